"""The next version, for tests of upgrades: a copy of this source tree, with edits.

Its level is one higher. It adds a field at each level of stored documents, and brings a
status, an act and a circuit that are used only once the write level is raised.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.programs import ROOT
from shared.circuit.loader import NEWEST
from shared.vocabulary.levels import LEVEL

NEXT_LEVEL = LEVEL + 1
STATUS, ACT = "VISEE", "viser"
"""Status and act that the next version adds, before the payment by the service financier."""
CIRCUIT = "2099-1"
FIELD = "added"
"""Name of the added fields; the first word of a value names the part that it was added to."""

_TABLES = Path("shared/circuit/tables")


class PatchError(Exception):
    """An edit does not apply any more: it must follow a change of the code."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Text that stands once in a file, and its replacement in the next version."""

    path: str
    old: str
    new: str

    def apply(self, tree: Path) -> None:
        """Edit the file in a source tree. Raises PatchError when it does not hold the text once."""
        file = tree / self.path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if text.count(self.old) != 1:
            raise PatchError(
                f"{self.path} holds {self.old!r} {text.count(self.old)} times instead of once: "
                "put the patch in tests/parcours right"
            )
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


def _insert(path: str, before: str, new: str) -> Edit:
    return Edit(path, before, f"{new}{before}")


def _append(path: str, after: str, new: str) -> Edit:
    return Edit(path, after, f"{after}{new}")


VALUES = (
    Edit("shared/vocabulary/levels.py", f"\nLEVEL = {LEVEL}\n", f"\nLEVEL = {NEXT_LEVEL}\n"),
    _append(
        "shared/vocabulary/statuses.py",
        '    CONTESTEE = "CONTESTEE"\n',
        f'    {STATUS} = "{STATUS}"\n',
    ),
    _append(
        "shared/vocabulary/labels.py",
        '    Status.CONTESTEE: "Contestée par le titulaire",\n',
        f'    Status.{STATUS}: "Visée par le service financier",\n',
    ),
    _append(
        "shared/circuit/statuses.py",
        '    METTRE_EN_PAIEMENT = "mettre_en_paiement"\n',
        f'    {ACT.upper()} = "{ACT}"\n',
    ),
    _append(
        str(_TABLES / "statuts.csv"),
        "acte;role;depuis;vers;attendu_ensuite;explication;niveau\n",
        f"{ACT};service_financier;MISE_A_DISPOSITION;{STATUS};same;none;{NEXT_LEVEL}\n"
        f"mandater;service_financier;{STATUS};MANDATEE;same;none;{NEXT_LEVEL}\n",
    ),
    _append(str(_TABLES / "circuits.csv"), f"\n{NEWEST};{LEVEL}\n", f"{CIRCUIT};{NEXT_LEVEL}\n"),
)
"""Edits that add a status, an act and a circuit of the next level."""

_JOURNEY = "services/routing/application/journey.py"
_DOSSIER = "services/routing/domain/dossier.py"
_ARCHIVE = "services/routing/adapters/dossiers.py"
_STRUCTURE = "services/organisation/structures/adapters/mongo.py"
_SUBSCRIPTION = "services/notification/subscriptions/domain/subscription.py"
_SUBSCRIPTIONS = "services/notification/subscriptions/adapters/mongo.py"
_DEFAULT = f'    {FIELD}: str = ""\n'

FIELDS = (
    # Dossiers of routing: the document,
    _insert(_JOURNEY, "    entries: list[Entry] = field(default_factory=list)\n", _DEFAULT),
    Edit(
        _JOURNEY,
        "cls(dossier, cause.correlation_id, entries=[entry])",
        f'cls(dossier, cause.correlation_id, entries=[entry], {FIELD}=f"document {{dossier.id}}")',
    ),
    _append(
        _ARCHIVE, '        "trail": journey.trail,\n', f'        "{FIELD}": journey.{FIELD},\n'
    ),
    _append(
        _ARCHIVE,
        '        trail=document["trail"],\n',
        f'        {FIELD}=document.get("{FIELD}", ""),\n',
    ),
    # its state, as the audit trail states it,
    _append(
        "services/routing/domain/events.py",
        "    deposit: Deposit\n    phase: Phase\n",
        _DEFAULT,
    ),
    Edit(
        "services/routing/domain/deposits.py",
        "PieceReceived(world.now, deposit, row.phase)",
        'PieceReceived(world.now, deposit, row.phase, f"piece {deposit.piece_id}")',
    ),
    _insert(_DOSSIER, "    lapsed: Lapsed | None = None\n", _DEFAULT),
    Edit(
        _DOSSIER,
        "delays=deposit.delays,",
        f'delays=deposit.delays, {FIELD}=event.{FIELD} and f"state {{deposit.dossier_id}}",',
    ),
    # its pieces,
    _insert(
        _DOSSIER, "    words: Mapping[Status, Words] = field(default_factory=dict)\n", _DEFAULT
    ),
    Edit(
        _DOSSIER,
        "Piece(deposit, Status.DEPOSEE, {}, deposit.attachments)",
        f"Piece(deposit, Status.DEPOSEE, {{}}, deposit.attachments, {FIELD}=event.{FIELD})",
    ),
    # and their enclosures.
    _append(_JOURNEY, "    type_code: str | None = None\n", _DEFAULT),
    Edit(
        _JOURNEY,
        "payload.marche, payload.type_code\n",
        'payload.marche, payload.type_code, f"enclosure {payload.piece_id}"\n',
    ),
    # Structures of organisation.
    _append(
        "services/organisation/structures/domain/structure.py",
        "    version: int\n    declared: Declaration\n",
        _DEFAULT,
    ),
    Edit(
        "services/organisation/structures/application/declarations.py",
        "Structure(current.version + 1 if current else 1, declared)",
        "Structure(current.version + 1 if current else 1, declared, "
        f'current and current.{FIELD} or f"structure {{self._new_id()}}")',
    ),
    _append(
        _STRUCTURE,
        '        "version": structure.version,\n',
        f'        "{FIELD}": structure.{FIELD},\n',
    ),
    _append(
        _STRUCTURE,
        '        version=document["version"],\n',
        f'        {FIELD}=document.get("{FIELD}", ""),\n',
    ),
    # Subscriptions of notification. Its deliveries are not written whole again, nor are statuses,
    # which get their marks.
    _append(_SUBSCRIPTION, "    health: Health = Health()\n", _DEFAULT),
    Edit(
        _SUBSCRIPTION,
        "moved = replace(self, terms=terms, health=Health())\n",
        "moved = replace(self, terms=terms, health=Health(), "
        f'{FIELD}=self.{FIELD} or f"subscription {{self.id}}")\n',
    ),
    _append(
        _SUBSCRIPTIONS,
        '        "resume_mark": subscription.resume_mark,\n',
        f'        "{FIELD}": subscription.{FIELD},\n',
    ),
    _append(
        _SUBSCRIPTIONS,
        '        resume_mark=document["resume_mark"],\n',
        f'        {FIELD}=document.get("{FIELD}", ""),\n',
    ),
    # Tickets of support.
    _append(
        "services/support/tickets/domain/tickets.py",
        "    journal: tuple[JournalEntry, ...] = ()\n",
        _DEFAULT,
    ),
    _append(
        "services/support/tickets/domain/changes.py",
        "        id=ticket_id,\n",
        f'        {FIELD}=f"ticket {{ticket_id}}",\n',
    ),
)
"""Edits that add a field to each document of record that is written again and again."""


def write_next_version(tree: Path, edits: Sequence[Edit] = (*VALUES, *FIELDS)) -> None:
    """Write the next version into a folder. Raises PatchError when an edit does not apply."""
    for package in ("services", "shared"):
        shutil.copytree(
            ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copytree(tree / _TABLES / NEWEST, tree / _TABLES / CIRCUIT)
    for edit in edits:
        edit.apply(tree)
