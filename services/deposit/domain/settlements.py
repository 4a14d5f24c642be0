"""Facture de régularisation (A1): rules by which a mandant pays a delegate back.

The delegate has paid dossiers by its own service financier, within its mandate. It issues an
invoice of at most what was paid, which the payer of its mandate receives.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.deposit.domain import rules
from services.deposit.domain.piece import Draft
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.turns import DossierState
from shared.circuit.mandates import FIELD, Mandate, needs_mandate
from shared.circuit.parties import LABELS, Parties, Party
from shared.circuit.rules import MANDATE_OUT_OF_SCOPE
from shared.circuit.table import Row
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import format_amount
from shared.vocabulary.codes import is_credit_note
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

_FIELD = "settles"
_NOBODY = Party("")
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class SettledDossier:
    """A dossier that a facture de régularisation settles."""

    state: DossierState
    prevailing: Draft | None
    """Piece that states the prevailing amounts of the dossier."""
    is_claimed: bool = False
    """Whether another facture de régularisation settles it, and was not refused."""

    @property
    def paid(self) -> Decimal:
        """Amount due by its prevailing piece; a credit note is taken away."""
        prevailing = self.state.prevailing
        if prevailing is None or self.prevailing is None:
            return _NOTHING
        return _sign(prevailing.amounts.due, self.prevailing.type_code)


def judge_settlement(
    proposal: Proposal,
    row: Row | None,
    parties: Parties,
    mandate: Mandate | None,
    settled: Mapping[str, SettledDossier],
    type_code: str,
) -> Iterator[Violation]:
    """Check the dossiers that a deposit settles, its parties, and the amount that it asks for.

    Args:
        proposal: the deposit.
        row: its row in the circuit; None when its cadre has none.
        parties: its parties.
        mandate: the mandate that allows it; None without one.
        settled: those of its dossiers that are known.
        type_code: its type of document.
    """
    wanted = proposal.metadata.settles
    if row is None:
        return
    if not row.is_settlement:
        if wanted:
            yield rules.SETTLES_BY_OTHER_CADRE.build_violation(_FIELD, cadre=row.cadre)
        return
    if not proposal.may_issue:
        yield rules.ISSUING_NOT_ALLOWED.build_violation("cadre")
    if not wanted:
        yield rules.NOTHING_SETTLED.build_violation(_FIELD, cadre=row.cadre)
    if not needs_mandate(proposal.metadata.mandant, parties):
        yield rules.SETTLED_WITHOUT_MANDATE.build_violation(FIELD)
        return
    if (proposal.role, proposal.structure) != (Role.MOA, parties[Role.MOA].structure):
        # The circuit refuses who is not the delegate: neither the mandate nor a payment is told.
        return
    yield from _judge_parties(parties, mandate)
    broken = tuple(
        violation
        for dossier in wanted
        for violation in _judge_dossier(proposal, dossier, settled.get(dossier), mandate)
    )
    yield from broken
    paid = None if broken or not wanted else sum((each.paid for each in settled.values()), _NOTHING)
    yield from _judge_amount(proposal, type_code, paid)


def _judge_parties(parties: Parties, mandate: Mandate | None) -> Iterator[Violation]:
    delegate, titulaire = parties[Role.MOA].structure, parties.titulaire.structure
    payer = parties.service_financier.structure
    if titulaire != delegate:
        yield rules.SETTLED_BY_OTHER_SELLER.build_violation(
            "titulaire.structure", structure=titulaire, delegate=delegate
        )
    if mandate and payer != mandate.payer:
        yield rules.SETTLED_BY_OTHER_PAYER.build_violation(
            "service_financier.structure", structure=payer, payer=mandate.payer
        )
    for role, _ in parties.list_named():
        if role not in (Role.TITULAIRE, Role.MOA, Role.SERVICE_FINANCIER):
            label = LABELS[role]
            yield rules.SETTLES_WITH_OTHER_PARTY.build_violation(
                f"{role.value}.structure", role=label[0].upper() + label[1:]
            )


def _judge_dossier(
    proposal: Proposal, dossier: str, found: SettledDossier | None, mandate: Mandate | None
) -> Iterator[Violation]:
    """Check one dossier that is settled: one that its caller is no party of is not found."""
    if found is None or not _is_its_moa(proposal, found.state):
        yield rules.SETTLED_UNKNOWN.build_violation(
            _FIELD, dossier=dossier, delegate=proposal.structure
        )
        return
    state, mandant = found.state, proposal.metadata.mandant
    if state.mandant != mandant:
        yield rules.SETTLED_FOR_OTHER_MANDANT.build_violation(
            _FIELD, dossier=dossier, mandant=mandant
        )
    elif mandate and not mandate.covers(state.marche):
        yield MANDATE_OUT_OF_SCOPE.build_violation(
            _FIELD,
            mandant=mandate.mandant,
            delegate=mandate.delegate,
            marche=f"le marché {state.marche or 'inconnu'} du dossier {dossier}",
        )
    if state.parties.service_financier.structure != proposal.structure:
        yield rules.SETTLED_PAID_BY_OTHER.build_violation(
            _FIELD, dossier=dossier, delegate=proposal.structure
        )
    elif Status.MISE_EN_PAIEMENT not in state.statuses.values():
        yield rules.SETTLED_UNPAID.build_violation(_FIELD, dossier=dossier)
    currency, paid = proposal.fields.currency, found.prevailing and found.prevailing.currency
    if currency and paid and currency != paid:
        yield rules.SETTLED_IN_OTHER_CURRENCY.build_violation(
            _FIELD, dossier=dossier, paid=paid, currency=currency
        )
    if found.is_claimed:
        yield rules.ALREADY_SETTLED.build_violation(_FIELD, dossier=dossier)


def _judge_amount(proposal: Proposal, type_code: str, paid: Decimal | None) -> Iterator[Violation]:
    """Check the amount that is asked for; `paid` is None where what was paid is not known."""
    if proposal.fields.due is None:
        return
    due = _sign(proposal.fields.due, type_code)
    if due <= 0:
        yield rules.SETTLES_NO_AMOUNT.build_violation("due", due=format_amount(due))
    if paid is not None and due > paid:
        yield rules.SETTLED_TOO_MUCH.build_violation(
            "due", due=format_amount(due), paid=format_amount(paid)
        )


def _is_its_moa(proposal: Proposal, state: DossierState) -> bool:
    actor = Actor(proposal.role, proposal.structure, proposal.service)
    party = state.parties.of(actor.role) or _NOBODY
    return party.structure == actor.structure and actor.covers_service(party.service)


def _sign(due: Decimal, type_code: str) -> Decimal:
    """Give an amount its sign: that of a credit note is taken away, whatever sign it states."""
    return -abs(due) if is_credit_note(type_code) else due
