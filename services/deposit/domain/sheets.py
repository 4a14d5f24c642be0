"""Check of an opener against the sheet of its marché: actors, lot, required fields.

Only what the sheet says is checked. Under a mandate its service financier is not: the delegate pays
itself. Of a facture de régularisation, whose parties follow from the mandate, only the delegate is,
and no lot is required.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from services.deposit.domain import rules
from services.deposit.domain.proposal import Proposal
from shared.circuit.mandates import needs_mandate
from shared.circuit.parties import LABELS, Parties, Party
from shared.circuit.sheets import SHEET_ROLES, Sheet, SheetActor, SheetField, SheetRole
from shared.vocabulary.levels import LEVEL_OF_MANDATES
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation

SHEET_LABELS: Mapping[SheetRole, str] = {
    **{theirs: LABELS[ours] for ours, theirs in SHEET_ROLES.items()},
    SheetRole.MOA_DELEGUEE: "la maîtrise d'ouvrage déléguée",
}
"""Names of the roles of a sheet in a sentence, with their article."""

_Read = Callable[[Proposal, Parties], str | None]


def find_sheet_key(proposal: Proposal, parties: Parties, level: int) -> tuple[str, str] | None:
    """Find the key of the sheet of an opener: whose marché it is, and its number."""
    marche, owner = proposal.fields.marche, _find_owner(proposal, parties)
    if level < LEVEL_OF_MANDATES or not (marche and marche.strip() and owner):
        return None
    return owner, marche.strip()


def judge_sheet(
    proposal: Proposal, parties: Parties, sheet: Sheet, today: date, *, is_settlement: bool
) -> Iterator[Violation]:
    """Check an opener against the sheet of its marché."""
    lot = proposal.metadata.lot
    if unknown := judge_lot(lot, sheet):
        yield unknown
        lot = None
    is_delegated = needs_mandate(proposal.metadata.mandant, parties)
    for role, theirs, party in _list_checked(parties, is_delegated, is_settlement):
        yield from _judge_actor(role, party, sheet, theirs, sheet.list_actors(theirs, lot), today)
    # A facture de régularisation may settle dossiers of several lots.
    required = [each for each in sheet.required if not (is_settlement and each is SheetField.LOT)]
    yield from _judge_required(proposal, parties, sheet, required)


def judge_lot(lot: str | None, sheet: Sheet) -> Violation | None:
    """Check that a lot is one of the sheet; None when there is none to check."""
    if lot is None or lot in sheet.lots:
        return None
    return rules.LOT_UNKNOWN.build_violation(
        "lot", marche=sheet.number, lot=lot, allowed=", ".join(sheet.lots) or "aucun"
    )


def _find_owner(proposal: Proposal, parties: Parties) -> str | None:
    mandant = proposal.metadata.mandant
    moa = parties.moa.structure if parties.moa else None
    return mandant if needs_mandate(mandant, parties) else moa


def _list_checked(
    parties: Parties, is_delegated: bool, is_settlement: bool
) -> Iterator[tuple[Role, SheetRole, Party]]:
    """List the parties that are checked, each with its role in the sheet."""
    for role, party in parties.list_named():
        if role is Role.MOA and is_delegated:
            yield role, SheetRole.MOA_DELEGUEE, party
        elif is_settlement or role not in SHEET_ROLES:
            continue
        elif not (role is Role.SERVICE_FINANCIER and is_delegated):
            yield role, SHEET_ROLES[role], party


def _judge_actor(
    role: Role,
    party: Party,
    sheet: Sheet,
    theirs: SheetRole,
    named: Iterable[SheetActor],
    today: date,
) -> Iterator[Violation]:
    """Check that a party is one of the actors of its role, valid today, with its service."""
    actors = tuple(named)
    if not actors or not party.structure:
        return
    field, label = f"{role.value}.structure", SHEET_LABELS[theirs]
    own = [each for each in actors if each.structure == party.structure]
    valid = [each for each in own if each.is_valid_on(today)]
    if not own:
        yield rules.NOT_IN_SHEET.build_violation(
            field,
            marche=sheet.number,
            role=label,
            structure=party.structure,
            named=_name_actors(actors, today),
            moa=sheet.moa,
        )
        return
    if not valid:
        yield rules.ACTOR_NOT_VALID.build_violation(
            field,
            marche=sheet.number,
            role=label,
            structure=party.structure,
            period=" et ".join(_format_period(each) for each in own),
            moa=sheet.moa,
        )
        return
    services = {each.service for each in valid}
    if party.service and None not in services and party.service not in services:
        yield rules.SERVICE_NOT_IN_SHEET.build_violation(
            f"{role.value}.service",
            marche=sheet.number,
            role=label,
            service=party.service,
            named=" ou ".join(sorted(each for each in services if each)),
        )


def _name_actors(actors: Iterable[SheetActor], today: date) -> str:
    """Name the actors of a role: those valid today, or else all."""
    named = tuple(actors)
    valid = [each for each in named if each.is_valid_on(today)] or named
    return " ou ".join(dict.fromkeys(each.structure for each in valid))


def _format_period(actor: SheetActor) -> str:
    first, last = (day and f"{day:%d/%m/%Y}" for day in (actor.valid_from, actor.valid_until))
    if first and last:
        return f"du {first} au {last}"
    return f"à partir du {first}" if first else f"jusqu'au {last}"


def _judge_required(
    proposal: Proposal, parties: Parties, sheet: Sheet, required: Iterable[SheetField]
) -> Iterator[Violation]:
    for each in required:
        label, read = _REQUIRED[each]
        if read(proposal, parties) == "":
            yield rules.REQUIRED_BY_SHEET.build_violation(
                each.value, marche=sheet.number, label=label
            )


def _read_service(role: Role) -> _Read:
    def read(_: Proposal, parties: Parties) -> str | None:
        party = parties.of(role)
        return (party.service or "") if party else None

    return read


_REQUIRED: Mapping[SheetField, tuple[str, _Read]] = {
    SheetField.ENGAGEMENT: (
        "le numéro d'engagement",
        lambda proposal, _: proposal.fields.engagement or "",
    ),
    SheetField.LOT: ("le lot", lambda proposal, _: proposal.metadata.lot or ""),
    SheetField.COMMENT: ("un commentaire", lambda proposal, _: proposal.metadata.comment or ""),
    SheetField.MOE_SERVICE: ("le code service de la maîtrise d'œuvre", _read_service(Role.MOE)),
    SheetField.MOA_SERVICE: ("le code service de la maîtrise d'ouvrage", _read_service(Role.MOA)),
    SheetField.SERVICE_FINANCIER_SERVICE: (
        "le code service du service financier",
        _read_service(Role.SERVICE_FINANCIER),
    ),
}
"""Fields that a sheet may require: the label, and how the field is read: "" when it is missing,
None when the deposit names no party that could have it."""
