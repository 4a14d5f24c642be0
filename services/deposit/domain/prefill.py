"""Prefill of a next deposit: the cadres that may follow, and the fields that each requires."""

from dataclasses import dataclass

from services.deposit.domain.judgement import find_recipient
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import Recipient
from shared.circuit.fields import list_required_fields
from shared.circuit.parties import Directory, Structure
from shared.circuit.table import Circuit
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.roles import Role


@dataclass(frozen=True, slots=True)
class Option:
    """A cadre that may follow, its recipient, and the fields that it then requires."""

    cadre: Cadre
    label: str
    recipient: Recipient
    required: tuple[str, ...]
    """Paths of fields of the metadata; `a|b` when either is enough."""


def list_options(
    circuit: Circuit, following: FollowedPiece, role: Role, directory: Directory
) -> tuple[Option, ...]:
    """List what a role may deposit after a piece: the cadres that routing awaits."""
    parties = following.parties
    awaited = following.state.awaited if following.state else None
    turns = awaited.turns if awaited else ()
    rows = (circuit[cadre, parties.moa is not None] for turn in turns for cadre in turn.cadres)
    return tuple(
        Option(row.cadre, row.label, recipient, _list_required(recipient, directory))
        for row in rows
        if row.depositor is role
        for recipient in [find_recipient(row, parties)]
    )


def _list_required(recipient: Recipient, directory: Directory) -> tuple[str, ...]:
    structure = directory.get(recipient.structure)
    if structure is None:
        return ()
    wanted = set(list_required_fields(structure))
    if _service_requires_engagement(recipient.service, structure):
        wanted.add("engagement")
    path = f"parties.{recipient.role.value}.service"
    return tuple(sorted(each.replace("service", path) for each in wanted))


def _service_requires_engagement(code: str | None, structure: Structure) -> bool:
    service = structure.services.get(code or "")
    return service is not None and service.engagement_obligatoire
