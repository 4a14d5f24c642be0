"""Judgement of the structures of a deposit: whether they may have their roles."""

from collections.abc import Iterator
from datetime import date

from services.deposit.domain.file_party import SIRET_KEY
from services.deposit.domain.invoice import Invoice
from shared.circuit.fields import judge_fields
from shared.circuit.parties import LABELS, Directory, Parties, Party, judge_structure
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.siret import has_siret_form, is_siret


def judge_named(
    role: Role, party: Party, directory: Directory, read: Invoice
) -> Iterator[Violation]:
    """Check one party: the key of its SIRET, then its entry in the directory."""
    if not party.structure:
        return
    if _is_false_siret(party.structure):
        # The rules of the file have already refused it for its seller and buyer.
        if party.structure not in (read.seller.siret, read.buyer.siret):
            yield SIRET_KEY.build_violation(
                f"{role.value}.structure", value=party.structure, label=LABELS[role]
            )
        return
    violation = judge_structure(role, party, directory)
    if violation:
        yield violation


def judge_required(
    role: Role, parties: Parties, directory: Directory, engagement: str | None, today: date
) -> tuple[Violation, ...]:
    """Check the fields that the structure in a role requires, when it is known."""
    party = parties.of(role)
    structure = directory.get(party.structure) if party else None
    if party is None or structure is None:
        return ()
    return judge_fields(role, party, structure, engagement, today)


def _is_false_siret(structure: str) -> bool:
    return has_siret_form(structure) and not is_siret(structure)
