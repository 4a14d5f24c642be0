"""A mandate with its file: its parties, its days and scope, and which mandates overlap."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.organisation.accounts.domain.claims import PROOFS, judge_proof
from services.organisation.mandates.domain import rules
from services.organisation.structures.domain.structure import Structure
from shared.circuit.mandates import Mandate
from shared.vocabulary.attachments import Attached, StoredFile
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus
from shared.vocabulary.texts import has_visible_letter

MANDATES_LIMIT = 500
"""Limit of the mandates of a mandant that are not closed."""
CONTRACTS_LIMIT = 200
"""Limit of the marchés that a mandate names."""
_FILES = replace(PROOFS, empty=rules.FILE_EMPTY)


@dataclass(frozen=True, slots=True)
class FiledMandate:
    """A mandate with its file, in one version of its state."""

    mandate: Mandate
    file: StoredFile
    recorded_at: datetime

    @property
    def parties(self) -> frozenset[str]:
        """Structures that may read the mandate."""
        mandate = self.mandate
        return frozenset({mandate.mandant, mandate.delegate, mandate.payer})

    def change(
        self, valid_from: date, valid_until: date, contracts: frozenset[str] | None
    ) -> "FiledMandate":
        """Build the next version, with other days or another scope."""
        return self._renew(
            replace(
                self.mandate, valid_from=valid_from, valid_until=valid_until, contracts=contracts
            )
        )

    def close(self, day: date) -> "FiledMandate":
        """Build the next version, which allows nothing any more."""
        return self._renew(replace(self.mandate, closed_on=day))

    def _renew(self, changed: Mandate) -> "FiledMandate":
        return replace(self, mandate=replace(changed, version=self.mandate.version + 1))


@dataclass(frozen=True, slots=True)
class MandateRegister:
    """Register of a mandant: what changes one of its mandates writes it, one after the other."""

    mandant: str
    version: int = 0

    def renew(self) -> "MandateRegister":
        """Build the next version."""
        return replace(self, version=self.version + 1)


def judge_file(file: Attached) -> tuple[Violation, ...]:
    """Judge the file of a mandate."""
    return judge_proof(file, _FILES, "file")


def read_contracts(numbers: Sequence[str] | None) -> frozenset[str] | None:
    """Read the numbers of marchés that a mandate covers; None covers all."""
    return None if numbers is None else frozenset(each.strip() for each in numbers)


def judge_terms(mandate: Mandate) -> Iterator[Violation]:
    """List the rules that the days and the scope of a mandate break."""
    if mandate.valid_until < mandate.valid_from:
        yield rules.DATES_REVERSED.build_violation(
            "valid_until", start=_format(mandate.valid_from), until=_format(mandate.valid_until)
        )
    if mandate.contracts is None:
        return
    if not mandate.contracts or not all(map(has_visible_letter, mandate.contracts)):
        yield rules.CONTRACT_EMPTY.build_violation("contracts")
    if len(mandate.contracts) > CONTRACTS_LIMIT:
        yield rules.TOO_MANY_CONTRACTS.build_violation(
            "contracts", count=len(mandate.contracts), limit=CONTRACTS_LIMIT
        )


def judge_parties(mandate: Mandate, known: Mapping[str, Structure]) -> Iterator[Violation]:
    """List the rules that the structures of a mandate break; `known` are those that exist."""
    mandant, delegate, payer = mandate.mandant, mandate.delegate, mandate.payer
    if violation := _judge_structure("structure_id", mandant, known):
        yield violation
        return
    if known[mandant].declared.parameters.moa is MoaParameter.SANS:
        yield rules.MANDANT_NOT_MOA.build_violation("structure_id", structure=mandant)
    if delegate == mandant:
        yield rules.SAME_STRUCTURE.build_violation("delegate", structure=delegate)
    elif violation := _judge_structure("delegate", delegate, known):
        yield violation
    if violation := _judge_structure("payer", payer, known):
        yield violation
    elif known[payer].declared.parameters.moa is MoaParameter.EXCLUSIVEMENT:
        yield rules.PAYER_ONLY_MOA.build_violation("payer", structure=payer)


def judge_overlap(mandate: Mandate, others: Iterable[Mandate]) -> tuple[Violation, ...]:
    """Refuse a mandate of which another one of its mandant has a day and a marché, whoever acts."""
    for other in others:
        if other.id != mandate.id and _overlap(mandate, other):
            return (
                rules.OVERLAP.build_violation(
                    "valid_from",
                    mandate=other.id,
                    delegate=other.delegate,
                    start=_format(other.valid_from),
                    until=_format(other.valid_until),
                ),
            )
    return ()


def _judge_structure(
    field: str, structure: str, known: Mapping[str, Structure]
) -> Violation | None:
    found = known.get(structure)
    if found is None or found.declared.status is not StructureStatus.ACTIF:
        return rules.STRUCTURE_UNKNOWN.build_violation(field, structure=structure)
    if found.declared.kind is not StructureKind.PUBLIQUE:
        return rules.NOT_PUBLIC.build_violation(field, structure=structure)
    return None


def _overlap(one: Mandate, other: Mandate) -> bool:
    if other.closed_on is not None:
        return False
    if one.valid_until < other.valid_from or other.valid_until < one.valid_from:
        return False
    return one.has_common_contract(other)


def _format(day: date) -> str:
    return day.strftime("%d/%m/%Y")
