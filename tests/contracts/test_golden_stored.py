"""Every document ever stored must still be read, and keep what this version does not know of it.

`golden_stored/<service>/<collection>/<n>.json`, in MongoDB's extended JSON: a document is added to
its collection when its shape has changed, never edited.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from bson import json_util

import services
from services.routing.adapters.documents import EVENT_NAMES
from shared.runtime.messaging.directory import DIRECTORY
from shared.runtime.store.schema import SCHEMA, DocumentFormat

GOLDEN = Path(__file__).parent / "golden_stored"
FILES = sorted(path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.json"))
_MAPS = {
    "deposit/dossiers": ("$.state.statuses", "$.state.reported", "$.state.engagements"),
    "deposit/pieces": (
        "$.piece.draft.directory",
        "$.piece.draft.read.malformed",
        "$.piece.draft.read.contradictions",
    ),
    "portal/pieces": ("$.parties", "$.party_keys"),
    "routing/audit": ("$.events[*].directory",),
    "routing/dossiers": ("$.enclosures", "$.state.pieces[*].stamps", "$.state.pieces[*].words"),
    "routing/structures": ("$.structure.services",),
}
"""Parts whose keys are data, such as ids: a key that is added there is no unknown field."""
_OPTIONS = json_util.JSONOptions(
    json_mode=json_util.JSONMode.RELAXED, tz_aware=True, document_class=dict
)


def _find_formats() -> dict[str, DocumentFormat[Any]]:
    """Find the format of every collection of the services, and that of their directories."""
    found: dict[str, DocumentFormat[Any]] = {f"routing/{DIRECTORY.collection}": DIRECTORY}
    for module in walk_packages(services.__path__, "services."):
        if ".adapters" in module.name and "reader_process" not in module.name:
            service = module.name.split(".")[1]
            for value in vars(import_module(module.name)).values():
                if isinstance(value, DocumentFormat) and value is not DIRECTORY:
                    found[f"{service}/{value.collection}"] = value
    return found


FORMATS = _find_formats()


def name_collection(file: str) -> str:
    return file.rpartition("/")[0]


def load_golden(file: str) -> Any:  # noqa: ANN401 - a document
    text = (GOLDEN / file).read_text(encoding="utf-8")
    return json_util.loads(text, json_options=_OPTIONS)


def list_paths(value: object, collection: str, path: str = "$") -> Iterator[tuple[str, Any]]:
    """List the parts of a document; the keys of a map, and the items of a list, as one path."""
    yield path, value
    if isinstance(value, dict):
        is_map = path in _MAPS.get(collection, ())
        for key, each in value.items():
            yield from list_paths(each, collection, f"{path}.{'*' if is_map else key}")
    elif isinstance(value, list | tuple):
        for each in value:
            yield from list_paths(each, collection, f"{path}[*]")


Read = Callable[[Any], object]
EXPECTED: Sequence[tuple[str, Read, object]] = (
    (
        "routing/dossiers/1.json",
        lambda journey: [(each.cadre, each.status) for each in journey.dossier.pieces],
        [("A13", "ASSOCIEE"), ("A15", "ASSOCIEE"), ("A19", "MISE_EN_PAIEMENT")],
    ),
    (
        "routing/dossiers/1.json",
        lambda journey: (journey.dossier.lapsed.status, journey.dossier.lapsed.waiting.due),
        ("A_VALIDER_1", datetime(2026, 12, 14, 23, tzinfo=UTC)),
    ),
    (
        "routing/dossiers/2.json",
        lambda journey: journey.dossier.pieces[0].words["CONTESTEE"].comment,
        "Les intempéries de mars ne sont pas comptées.",
    ),
    (
        "routing/dossiers/2.json",
        lambda journey: (journey.ranks["travaux.statut.v1"], journey.trail[:6]),
        (10, "7fbc5e"),
    ),
    (
        "routing/dossiers/2.json",
        lambda journey: [len(each.attachments) for each in journey.enclosures.values()],
        [1, 0],
    ),
    (
        "routing/dossiers/3.json",
        lambda journey: [each.deposit.amounts.ttc for each in journey.dossier.pieces],
        [Decimal("12000.00")] * 3,
    ),
    (
        "routing/dossiers/4.json",
        lambda journey: (journey.dossier.awaited.actor.role, journey.dossier.awaited.cadres),
        ("moe", ("A15",)),
    ),
    (
        "routing/dossiers/4.json",
        lambda journey: (journey.enclosures["0"].marche, journey.enclosures["0"].type_code),
        ("M-2026-1", "380"),
    ),
    (
        "routing/dossiers/5.json",
        lambda journey: (journey.dossier.hold.reason, journey.dossier.hold.structure),
        ("CIR-MOA-02", "payeur"),
    ),
    (
        "routing/dossiers/6.json",
        lambda journey: [(each.actor.role, each.cadres) for each in journey.dossier.awaited.turns],
        [("moe", ("A17",)), ("titulaire", ("A22",))],
    ),
    (
        "routing/audit/1.json",
        lambda entry: [type(each).__name__ for each in entry.events],
        ["PieceReceived", "StatusSet", "StatusSet", "Forwarded"],
    ),
    ("routing/audit/1.json", lambda entry: entry.events[0].deposit.cadre, "A10"),
    ("routing/audit/2.json", lambda entry: entry.version, 15),
    ("routing/audit/3.json", lambda entry: entry.events[0].completion.act, "contester"),
    ("routing/audit/4.json", lambda entry: entry.events[0].delay, "etat_acompte"),
    ("routing/audit/5.json", lambda entry: entry.events[0].deposit.cadre, "A13"),
    ("routing/audit/6.json", lambda entry: entry.cause, "01a2-cause"),
    ("routing/audit/7.json", lambda entry: type(entry.events[0]).__name__, "Closed"),
    ("routing/audit/8.json", lambda entry: entry.events[0].structure, "payeur"),
    ("routing/audit/9.json", lambda entry: entry.events[0].cadres, ("A22",)),
    (
        "routing/structures/1.json",
        lambda structure: (structure.name, structure.moa, sorted(structure.services)),
        ("Ville de Vaubrun", "avec", ["PATRIMOINE", "VOIRIE"]),
    ),
    (
        "organisation/structures/1.json",
        lambda structure: (structure.declared.parameters.moa, structure.declared.services[1].code),
        ("avec", "VOIRIE"),
    ),
    (
        "deposit/pieces/1.json",
        lambda piece: (piece.draft.depositor_role, piece.completions[0].attachments[0].name),
        ("moa", "justificatif.pdf"),
    ),
    ("deposit/pieces/2.json", lambda piece: piece.draft.cadre, "A15"),
    ("deposit/pieces/3.json", lambda piece: piece.draft.amounts.ht, Decimal("10000.00")),
    ("deposit/pieces/4.json", lambda piece: piece.draft.cadre, "A15"),
    (
        "deposit/dossiers/1.json",
        lambda state: (state.prevailing.is_settled, state.reported_awaited.turns[0].role),
        (True, "service_financier"),
    ),
    (
        "deposit/dossiers/2.json",
        lambda state: state.statuses["01a228d1-8567-73c0-9aaa-943c74f08388"],
        "MISE_EN_PAIEMENT",
    ),
    (
        "notification/statuses/1.json",
        lambda entry: (entry.status, entry.by.role, len(entry.parties)),
        ("ASSOCIEE", "moe", 3),
    ),
    (
        "portal/pieces/1.json",
        lambda piece: (piece.number, piece.amounts.due, piece.whole.awaited.due),
        ("EAV-2026-014", Decimal("12000.00"), datetime(2027, 7, 20, 22, tzinfo=UTC)),
    ),
    (
        "portal/pieces/2.json",
        lambda piece: (piece.number, piece.received_in, piece.is_prevailing_credit_note),
        ("A19-2026-009", {"service_financier"}, False),
    ),
    (
        "support/tickets/1.json",
        lambda ticket: (ticket.number, [each.act for each in ticket.journal]),
        ("T-2027-000001", ["enregistrer", "deposer"]),
    ),
    (
        "support/tickets/2.json",
        lambda ticket: (ticket.desk, ticket.content.title),
        ("technique", "Lien d'activation expiré"),
    ),
    (
        "support/chats/1.json",
        lambda chat: (chat.queue.desk, chat.ending, chat.asker.role),
        ("metier", "fermeture", "moe"),
    ),
    ("support/chat_lines/1.json", lambda line: (line.rank, line.text), (4, "Merci !")),
    (
        "support/conversations/1.json",
        lambda said: [turn.kind for turn in said.turns],
        ["article", "article", "article", "piece", "incertain"],
    ),
)
"""Facts read in the documents by hand, at least one of each."""


def find_new_fields(collection: str, documents: Iterable[Any]) -> list[str]:
    """Find the fields of documents that no golden document of their collection has."""
    golden = [load_golden(file) for file in FILES if name_collection(file) == collection]
    known = {path for each in golden for path, _ in list_paths(each, collection)}
    today = {path for each in documents for path, _ in list_paths(each, collection)}
    return sorted(today - known)


def test_every_collection_has_a_golden_document_and_every_golden_document_a_collection() -> None:
    assert {name_collection(file) for file in FILES} == set(FORMATS)


@pytest.mark.parametrize("file", FILES)
def test_what_was_stored_is_read_and_is_stored_again_as_it_was(file: str) -> None:
    documents, golden = FORMATS[name_collection(file)], load_golden(file)

    value, kept = documents.read_to_change(copy.deepcopy(golden))
    written = documents.write(value, 1, kept)

    assert documents.read(golden) == value
    assert _without_additions(written, golden) == golden


@pytest.mark.parametrize("file", FILES)
def test_a_field_that_a_newer_version_added_anywhere_is_kept(file: str) -> None:
    collection, golden = name_collection(file), load_golden(file)
    documents, maps = FORMATS[collection], _MAPS.get(collection, ())
    added = 0
    for path, part in list(list_paths(golden, collection)):
        # BSON's own types, such as a decimal, are no dicts once they are read.
        if isinstance(part, dict) and path not in maps:
            part["novel"] = {"of": path}
            added += 1

    value, kept = documents.read_to_change(copy.deepcopy(golden))
    written = documents.write(value, 1, kept)

    assert added > 0
    assert _without_additions(written, golden) == golden


@pytest.mark.parametrize(("file", "read", "expected"), EXPECTED)
def test_what_was_stored_says_what_it_said(file: str, read: Read, expected: object) -> None:
    assert read(FORMATS[name_collection(file)].read(load_golden(file))) == expected


def test_of_every_golden_document_something_is_expected() -> None:
    assert {file for file, _, _ in EXPECTED} == set(FILES)


@pytest.mark.parametrize("collection", sorted(FORMATS))
def test_every_field_that_is_written_today_is_in_a_golden_document(collection: str) -> None:
    documents = FORMATS[collection]
    golden = [load_golden(file) for file in FILES if name_collection(file) == collection]

    written = [documents.write(documents.read(each), 1) for each in golden]

    assert find_new_fields(collection, written) == [], f"add one to golden_stored/{collection}"


@pytest.mark.parametrize("file", FILES)
def test_a_golden_document_says_by_which_level_it_was_written(file: str) -> None:
    assert load_golden(file)[SCHEMA] >= 1


def test_every_event_of_a_trail_is_in_a_golden_entry() -> None:
    told = {
        event["type"]
        for file in FILES
        if name_collection(file) == "routing/audit"
        for event in load_golden(file)["events"]
    }

    assert told == set(EVENT_NAMES)


def _without_additions(written: Any, golden: Any) -> Any:  # noqa: ANN401 - a document
    """Leave out the fields that were added since the golden document was stored."""
    if isinstance(golden, dict) and isinstance(written, dict):
        return {
            key: _without_additions(written[key], golden[key]) for key in golden if key in written
        }
    if isinstance(golden, list) and isinstance(written, list | tuple):
        pairs = zip(written, golden, strict=False)
        items = [_without_additions(one, other) for one, other in pairs]
        return items if len(golden) == len(written) else written
    return written
