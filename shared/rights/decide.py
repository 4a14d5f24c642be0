"""Access decision: judges a caller against what a route needs. Pure: no clock, no store, no HTTP.

A caller proves who it is by its token. What it may do is in its principal, which
`services/organisation` publishes. Headers only choose among that.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from shared.rights.catalogue import SOLLICITATIONS, find_application_of_role, has_services
from shared.rights.model import (
    Attachment,
    Choice,
    Habilitation,
    Identity,
    KnownStructure,
    Level,
    ManagerRole,
    PlatformRole,
    Principal,
    PrincipalKind,
    Requester,
)
from shared.rights.needs import Need, NeedKind, Right
from shared.vocabulary.structures import StructureKind, StructureStatus
from shared.vocabulary.tickets import Desk


class Reason(StrEnum):
    """Reason of a denial."""

    CHOICE_MISSING = "choice_missing"
    ACCOUNT = "account"
    NOT_ATTACHED = "not_attached"
    HABILITATION = "habilitation"
    SCOPE = "scope"
    STRUCTURE_INACTIVE = "structure_inactive"
    ISSUER_KIND = "issuer_kind"
    MANAGER = "manager"
    OPERATOR = "operator"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Denial:
    """Denial of access, with the right that is missing."""

    reason: Reason
    right: Right
    application: str | None = None
    level: Level | None = None
    structure: str | None = None


def decide(
    need: Need,
    identity: Identity,
    principal: Principal | None,
    choice: Choice,
    structure: KnownStructure | None,
    *,
    token: str = "",
) -> Requester | Denial:
    """Decide whether a caller may use a route.

    Args:
        need: what the route needs; one of its rights is enough.
        identity: whom the token speaks for.
        principal: what the platform knows of this identity; None when it is not registered.
        choice: the structure, role, service and desk that the request chooses.
        structure: what the directory says of the chosen structure; None when it knows none.
        token: the token itself, which the requester keeps to forward it.

    Returns the requester, or the denial by the first right of the need that applies.
    """
    caller = _Caller(identity, principal, choice, structure, token)
    denials = []
    for right in _select(need, choice):
        judged = caller.judge(right)
        if isinstance(judged, Requester):
            return judged
        denials.append(judged)
    return denials[0]


def _select(need: Need, choice: Choice) -> tuple[Right, ...]:
    """Select the rights that apply: who chooses a desk or a structure asks for that right."""
    desk, public = need.find(NeedKind.DESK), need.find(NeedKind.PUBLIC)
    if desk is not None and choice.desk is not None:
        return (desk,)
    if public is not None and choice.structure is not None and need.find(NeedKind.MEMBER):
        return tuple(each for each in need.rights if each not in (desk, public))
    return tuple(each for each in need.rights if each is not desk) or need.rights


@dataclass(frozen=True, slots=True)
class _Caller:
    identity: Identity
    principal: Principal | None
    choice: Choice
    structure: KnownStructure | None
    token: str

    def judge(self, right: Right) -> Requester | Denial:
        """Judge the caller by one right."""
        judges = {
            NeedKind.PUBLIC: self._judge_public,
            NeedKind.SIGNED_IN: self._judge_signed_in,
            NeedKind.MEMBER: self._judge_member,
            NeedKind.PIECES: self._judge_pieces,
            NeedKind.APPLICATION: self._judge_application,
            NeedKind.MANAGER: self._judge_manager,
            NeedKind.MAIN_MANAGER: self._judge_manager,
            NeedKind.OPERATOR: self._judge_operator,
            NeedKind.DESK: self._judge_desk,
        }
        return judges[right.kind](right)

    def _judge_public(self, _: Right) -> Requester | Denial:
        return self._build(None)

    def _judge_signed_in(self, right: Right) -> Requester | Denial:
        if self.principal is not None and not self.principal.active:
            return Denial(Reason.ACCOUNT, right)
        entered = self._enter(right)
        return entered if isinstance(entered, Requester) else self._build(None)

    def _judge_member(self, right: Right) -> Requester | Denial:
        if self.choice.structure is not None:
            return self._enter(right)
        principal = self._find_account()
        if principal is None:
            return Denial(Reason.ACCOUNT, right)
        if not principal.attachments and principal.kind is not PrincipalKind.MACHINE:
            return Denial(Reason.NOT_ATTACHED, right)
        return self._build(None)

    def _judge_pieces(self, right: Right) -> Requester | Denial:
        if self.choice.role is None:
            return Denial(Reason.CHOICE_MISSING, right)
        application = find_application_of_role(self.choice.role)
        return self._judge_habilitation(right, application, right.level)

    def _judge_application(self, right: Right) -> Requester | Denial:
        return self._judge_habilitation(right, right.application or "", right.level)

    def _judge_operator(self, right: Right) -> Requester | Denial:
        chosen = self.choice.structure
        return self._judge_platform_role(right, PlatformRole.OPERATOR, Reason.OPERATOR, chosen)

    def _judge_platform_role(
        self, right: Right, role: PlatformRole, reason: Reason, chosen: str | None = None
    ) -> Requester | Denial:
        principal = self._find_account()
        if principal is None:
            return Denial(Reason.ACCOUNT, right)
        is_trusted = self.identity.may_operate and principal.kind is not PrincipalKind.MACHINE
        if not is_trusted or role not in principal.platform_roles:
            return Denial(reason, right)
        return self._build(principal.attachments.get(chosen or ""), chosen)

    def _judge_desk(self, right: Right) -> Requester | Denial:
        if self.choice.desk is None:
            return Denial(Reason.CHOICE_MISSING, right)
        judged = (
            self._judge_platform_role(right, PlatformRole.DESK, Reason.DESK)
            if self.choice.desk is Desk.TECHNIQUE
            else self._judge_habilitation(right, SOLLICITATIONS, Level.MODIFICATION)
        )
        return judged if isinstance(judged, Denial) else replace(judged, desk=self.choice.desk)

    def _judge_manager(self, right: Right) -> Requester | Denial:
        entered = self._enter(right)
        if isinstance(entered, Denial):
            return entered
        is_enough = (
            entered.manager is ManagerRole.PRINCIPAL
            if right.kind is NeedKind.MAIN_MANAGER
            else entered.manager is not None
        )
        if entered.kind is PrincipalKind.MACHINE or not is_enough:
            return Denial(Reason.MANAGER, right, structure=entered.structure)
        return entered

    def _judge_habilitation(
        self, right: Right, application: str, level: Level | None
    ) -> Requester | Denial:
        entered = self._enter(right)
        if isinstance(entered, Denial):
            return entered
        wanted = level or Level.MODIFICATION
        missing = Denial(Reason.HABILITATION, right, application, wanted, entered.structure)
        if not entered.holds(application, wanted):
            return missing
        if not entered.is_in_scope(application, wanted):
            return Denial(Reason.SCOPE, right, application, wanted, entered.structure)
        return entered

    def _enter(self, right: Right) -> Requester | Denial:
        """Check that the caller may act for the structure that it chooses."""
        principal, chosen = self._find_account(), self.choice.structure
        if principal is None:
            return Denial(Reason.ACCOUNT, right)
        if chosen is None:
            return Denial(Reason.CHOICE_MISSING, right)
        attachment = principal.attachments.get(chosen)
        if attachment is None:
            return Denial(Reason.NOT_ATTACHED, right, structure=chosen)
        if not self._may_issuer_speak():
            return Denial(Reason.ISSUER_KIND, right, structure=chosen)
        if self.structure and self.structure.status is not StructureStatus.ACTIF:
            return Denial(Reason.STRUCTURE_INACTIVE, right, structure=chosen)
        return self._build(attachment, chosen)

    def _may_issuer_speak(self) -> bool:
        """Tell whether the issuer may speak for this structure.

        A structure of unknown kind is refused to an issuer that speaks for one kind only.
        """
        if self.structure is None:
            return self.identity.kinds >= set(StructureKind)
        return self.structure.kind in self.identity.kinds

    def _find_account(self) -> Principal | None:
        return self.principal if self.principal is not None and self.principal.active else None

    def _build(self, attachment: Attachment | None, structure: str | None = None) -> Requester:
        identity, principal, choice = self.identity, self.principal, self.choice
        return Requester(
            user=principal.id if principal else None,
            kind=identity.kind,
            name=identity.name,
            email=identity.email,
            issuer=identity.issuer,
            token=self.token,
            expires_at=identity.expires_at,
            structure=structure,
            role=choice.role if structure is not None else None,
            service=choice.service if structure is not None else None,
            manager=attachment.manager if attachment else None,
            habilitations=_hold(attachment, choice.service),
            platform_roles=(
                principal.platform_roles if principal and identity.may_operate else frozenset()
            ),
            structures=frozenset(principal.attachments) if principal else frozenset(),
            client=identity.client,
            siret=identity.siret,
            kinds=identity.kinds,
            scopes=identity.scopes if identity.kind is PrincipalKind.MACHINE else None,
        )


def may_use(
    application: str,
    level: Level,
    principal: Principal | None,
    known: KnownStructure | None,
    structure: str,
    service: str | None = None,
) -> bool:
    """Tell whether a principal may use an application at a structure, without a request of its own.

    What a token adds is not asked: its scopes, and for whom its issuer speaks.
    """
    if principal is None or not principal.active:
        return False
    if known is not None and known.status is not StructureStatus.ACTIF:
        return False
    return any(
        each.application == application and each.level.covers(level)
        for each in _hold(principal.attachments.get(structure), service)
    )


def _hold(attachment: Attachment | None, service: str | None) -> tuple[Habilitation, ...]:
    """Select the habilitations that hold for a service: those of others do not.

    Where nothing names a service, one that is limited to it would be one for all: it holds nowhere.
    """
    if attachment is None:
        return ()
    return tuple(
        each
        for each in attachment.habilitations
        if each.service is None or (each.service == service and has_services(each.application))
    )
