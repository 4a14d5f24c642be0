"""Use cases of the requests of structures, with a proof, which an operator decides."""

from collections.abc import Mapping
from typing import Any

from services.organisation.accounts.application.mails import write_to
from services.organisation.accounts.application.outcomes import (
    Done,
    NotFound,
    Outcome,
    Refused,
    run_once,
)
from services.organisation.accounts.application.persons import (
    Person,
    build_person_key,
    build_requester_key,
    judge_issuer,
    open_account,
    read_person,
)
from services.organisation.accounts.application.ports import AccountChange, AccountPorts
from services.organisation.accounts.application.registrations import appoint
from services.organisation.accounts.domain import rules
from services.organisation.accounts.domain.accounts import Account
from services.organisation.accounts.domain.claims import (
    Claim,
    judge_claim,
    judge_decision,
    judge_proof,
)
from services.organisation.accounts.domain.requests import RequestStatus
from services.organisation.audit.domain.entries import AuditEntry
from services.organisation.structures.domain import rules as structure_rules
from shared.application.uploads import Upload, read_heads, store_uploads
from shared.rights.model import PlatformRole, Requester
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import StructureKind


class Claims:
    """Use cases of the requests of structures."""

    def __init__(self, ports: AccountPorts) -> None:
        """Use these ports."""
        self._ports = ports

    async def ask(
        self,
        requester: Requester,
        structure: str,
        declared: Mapping[str, Any],
        proof: Upload,
        key: str | None,
    ) -> Outcome[Claim]:
        """Ask for a structure, with a proof; who has no account is registered.

        `declared` has been judged as a declaration of this structure.
        """
        person = read_person(requester)
        if not isinstance(person, Person):
            return Refused((person,))
        kind = StructureKind(declared["kind"])
        if kind not in requester.kinds:
            rule = structure_rules.KIND_NOT_OF_ISSUER
            return Refused((rule.build_violation("kind", kind=kind.value.lower()),))
        ports = self._ports
        used = await build_person_key(
            person, key, "ask_structure", structure, declared, uploads=(proof,)
        )
        (head,) = await read_heads([proof])
        if violations := judge_proof(head):
            return Refused(violations)
        (stored,) = await store_uploads(ports.vault, [proof])

        async def work(change: AccountChange) -> Outcome[Claim]:
            known = await change.find_structure(structure)
            if known is not None and (violations := judge_issuer(requester, known)):
                return Refused(violations)
            account = await open_account(change, ports, person)
            if not isinstance(account, Account):
                return Refused((account,))
            roster = await change.load_roster(structure)
            if roster.is_managed:
                rule = rules.ALREADY_MANAGED
                return Refused((rule.build_violation("structure_id", structure=structure),))
            if violations := judge_claim(await change.count_claims(account.id)):
                return Refused(violations)
            claim = Claim(
                id=ports.new_id(),
                structure=structure,
                user=account.id,
                declared=declared,
                proof=stored,
                asked_at=ports.clock(),
            )
            await change.save_claim(claim)
            await self._record(change, claim, "structure.demandee", account.id)
            return Done(claim, claim.id)

        return await run_once(ports.accounts, used, work, _show)

    async def decide(
        self, requester: Requester, claim: str, reason: str, key: str | None, *, is_approved: bool
    ) -> Outcome[Claim]:
        """Approve or refuse a request, as an operator.

        An approval creates the structure, where there is none, and makes who asked its first main
        manager.
        """

        async def work(change: AccountChange) -> Outcome[Claim]:
            operator = await self._find_operator(change, requester)
            if operator is None:
                return Refused((rules.OPERATOR_ONLY.build_violation("Authorization"),))
            found = await change.load_claim(claim)
            if found is None:
                return NotFound("Demande")
            if violations := judge_decision(found, reason, is_approved=is_approved):
                return Refused(violations)
            if is_approved and (violations := await self._grant(change, found, operator)):
                return Refused(violations)
            return await self._end(change, found, operator, reason, is_approved=is_approved)

        used = await build_requester_key(
            requester, key, "decide_structure", claim, is_approved, reason
        )
        return await run_once(self._ports.accounts, used, work, _show)

    async def _grant(
        self, change: AccountChange, claim: Claim, operator: Account
    ) -> tuple[Violation, ...]:
        account = await change.load_account(claim.user)
        if account is None or not account.is_active:
            return (rules.ACCOUNT_CLOSED.build_violation("request_id"),)
        if await change.find_structure(claim.structure) is None:
            violations = await change.declare_structure(claim.declared, operator.id)
            if violations:
                return violations
        return await appoint(change, self._ports, account, claim.structure, operator.id)

    async def _end(
        self,
        change: AccountChange,
        claim: Claim,
        operator: Account,
        reason: str,
        *,
        is_approved: bool,
    ) -> Outcome[Claim]:
        status = RequestStatus.VALIDEE if is_approved else RequestStatus.REFUSEE
        ended = claim.end(status, operator.id, self._ports.clock(), reason)
        await change.save_claim(ended)
        act = "structure.accordee" if is_approved else "structure.refusee"
        await self._record(change, ended, act, operator.id)
        account = await change.load_account(claim.user)
        if account is not None and account.is_active:
            await write_to(
                change,
                account,
                "structure-decision",
                claim.structure,
                structure=str(claim.declared.get("name", claim.structure)),
                decision="acceptée" if is_approved else "refusée",
                motif=reason or "le justificatif a été accepté",
            )
        return Done(ended, ended.id)

    async def _find_operator(self, change: AccountChange, requester: Requester) -> Account | None:
        # Its issuer may sign in operators, as access control has read it.
        person = read_person(requester)
        if not isinstance(person, Person) or not requester.is_operator:
            return None
        account = await change.find_account(person.identity)
        if account is None or not account.is_active:
            return None
        return account if PlatformRole.OPERATOR in account.platform_roles else None

    async def _record(self, change: AccountChange, claim: Claim, act: str, by: str) -> None:
        now = self._ports.clock()
        about = {"demande": claim.id}
        await change.record(
            [
                AuditEntry(claim.structure, act, by, now, {"compte": claim.user, **about}),
                AuditEntry(claim.user, act, by, now, {"structure": claim.structure, **about}),
            ]
        )


async def _show(change: AccountChange, subject: str) -> Claim | None:
    return await change.load_claim(subject)
