"""Every document ever stored must still be read, and keep what this version does not know of it.

`golden_stored/<service>/<collection>/<n>.json`, in MongoDB's extended JSON: a document is added to
its collection when its shape has changed, never edited.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
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
from shared.runtime.messaging.mandates import MANDATES
from shared.runtime.store.schema import SCHEMA, DocumentFormat

GOLDEN = Path(__file__).parent / "golden_stored"
FILES = sorted(path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.json"))
_MAPS = {
    "organisation/structure_requests": ("$.declared",),
    "organisation/sheets": ("$.content.delays",),
    "organisation/sheet_versions": ("$.content.delays",),
    "deposit/dossiers": ("$.state.statuses", "$.state.reported", "$.state.engagements"),
    "deposit/sheets": ("$.sheet.lots", "$.sheet.delays"),
    "deposit/pieces": (
        "$.piece.draft.directory",
        "$.piece.draft.delays",
        "$.piece.draft.read.malformed",
        "$.piece.draft.read.contradictions",
    ),
    "portal/pieces": ("$.parties", "$.party_keys"),
    "routing/audit": ("$.events[*].directory", "$.events[*].deposit.delays"),
    "routing/dossiers": (
        "$.enclosures",
        "$.state.delays",
        "$.state.pieces[*].deposit.delays",
        "$.state.pieces[*].stamps",
        "$.state.pieces[*].words",
    ),
    "routing/structures": ("$.structure.services",),
}
"""Parts whose keys are data, such as ids: a key that is added there is no unknown field."""
_OPTIONS = json_util.JSONOptions(
    json_mode=json_util.JSONMode.RELAXED, tz_aware=True, document_class=dict
)


def _find_formats() -> dict[str, DocumentFormat[Any]]:
    """Find the format of every collection of the services, and those that several keep."""
    found: dict[str, DocumentFormat[Any]] = {
        f"routing/{each.collection}": each for each in (DIRECTORY, MANDATES)
    }
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
_USER = "0197a5c0-0000-7000-8000-00000000f001"
EXPECTED: Sequence[tuple[str, Read, object]] = (
    (
        "routing/mandates/1.json",
        lambda mandate: (mandate.delegate, mandate.contracts, mandate.closed_on),
        ("90000000600016", frozenset({"2026-T-017"}), date(2026, 11, 30)),
    ),
    (
        "deposit/sheets/1.json",
        lambda sheet: ([each.role for each in sheet.actors], sheet.lots, sheet.delays),
        (["titulaire", "moe"], {"1": "Gros œuvre"}, {"etat_acompte": 10}),
    ),
    (
        "notification/subscriptions/1.json",
        lambda subscription: (
            subscription.actor.structure,
            subscription.terms.target,
            subscription.terms.criteria.statuses,
            subscription.terms.criteria.marche,
            subscription.cause,
            subscription.resume_mark,
            [(each.sealed, each.valid_until is None) for each in subscription.secrets],
            subscription.health.failures,
        ),
        (
            "90000000300013",
            "https://si.exemple.fr/statuts",
            frozenset({"ASSOCIEE"}),
            "2026-T-017",
            "switched_off",
            12,
            [("scelle-2", True), ("scelle-1", False)],
            2,
        ),
    ),
    (
        "organisation/accounts/1.json",
        lambda account: (
            account.email,
            [(each.structure, each.status, each.manager) for each in account.attachments],
            {right.level for each in account.attachments for right in each.habilitations},
        ),
        ("paul@vaubrun.fr", [("35600000000048", "VALIDEE", None)], {"consultation"}),
    ),
    (
        "organisation/accounts/2.json",
        lambda account: [each.has_public_management_account for each in account.attachments],
        [True],
    ),
    (
        "organisation/rosters/1.json",
        lambda roster: (roster.structure, len(roster.main_managers)),
        ("35600000000048", 1),
    ),
    (
        "organisation/habilitation_requests/1.json",
        lambda request: (
            request.status,
            request.reason,
            [(each.application, each.level, each.service) for each in request.habilitations],
        ),
        ("REFUSEE", "plus tard", [("factures_de_travaux", "modification", "VOIRIE")]),
    ),
    (
        "organisation/invitations/1.json",
        lambda invitation: (
            invitation.email,
            invitation.status,
            invitation.approval.manager,
            len(invitation.approval.habilitations),
        ),
        ("marie@vaubrun.fr", "ENVOYEE", "secondaire", 1),
    ),
    (
        "organisation/activations/1.json",
        lambda activation: (activation.id, activation.email, activation.link.used_by is None),
        ("demande-1", "paul@vaubrun.fr", False),
    ),
    (
        "organisation/mandates/1.json",
        lambda filed: (
            filed.mandate.delegate,
            filed.mandate.payer,
            filed.mandate.contracts,
            filed.mandate.closed_on,
            filed.file.name,
        ),
        (
            "90000000300013",
            "90000000500018",
            frozenset({"2026-T-017", "2026-T-018"}),
            date(2026, 11, 30),
            "mandat.pdf",
        ),
    ),
    (
        "organisation/mandate_registers/1.json",
        lambda register: (register.mandant, register.version),
        ("35600000000048", 2),
    ),
    (
        "organisation/structure_requests/1.json",
        lambda claim: (claim.structure, claim.declared["name"], claim.proof.name, claim.status),
        ("90000000200015", "Atelier", "kbis.pdf", "EN_COURS_DE_VALIDATION"),
    ),
    *(
        (
            f"organisation/{collection}/1.json",
            lambda sheet: (
                sheet.moa,
                sheet.content.number,
                [(each.role, each.lot, each.valid_until) for each in sheet.content.actors],
                [(each.code, each.title) for each in sheet.content.lots],
                dict(sheet.content.delays),
                sheet.content.required,
            ),
            (
                "90000000300013",
                "2026-T-017",
                [("moe", "1", date(2027, 12, 31))],
                [("1", "Gros œuvre")],
                {"etat_acompte": 10},
                ("engagement",),
            ),
        )
        for collection in ("sheets", "sheet_versions")
    ),
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
        "routing/dossiers/7.json",
        lambda journey: (journey.dossier.mandant is not None, journey.dossier.marche),
        (True, "M-1"),
    ),
    (
        "routing/dossiers/8.json",
        lambda journey: journey.dossier.awaited.remind_at,
        datetime(2026, 12, 14, 23, tzinfo=UTC),
    ),
    (
        "routing/dossiers/9.json",
        lambda journey: (
            journey.dossier.awaited.remind_at,
            journey.dossier.reminded.due == journey.dossier.awaited.due,
        ),
        (None, True),
    ),
    (
        "routing/dossiers/10.json",
        lambda journey: journey.dossier.lapsed.waiting.remind_at,
        datetime(2026, 12, 14, 23, tzinfo=UTC),
    ),
    (
        "routing/audit/12.json",
        lambda entry: entry.events[-1].remind_at,
        datetime(2026, 12, 14, 23, tzinfo=UTC),
    ),
    (
        "routing/audit/13.json",
        lambda entry: (type(entry.events[0]).__name__, entry.events[0].delay),
        ("DelayReminded", "etat_acompte"),
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
        "routing/audit/10.json",
        lambda entry: entry.user,
        "01a228d1-8567-73c0-9aaa-943c74f08f01",
    ),
    (
        "routing/audit/11.json",
        lambda entry: (entry.events[0].deposit.marche, entry.events[0].deposit.delays),
        ("M-1", {"etat_acompte": 10}),
    ),
    (
        "routing/structures/1.json",
        lambda structure: (structure.name, structure.moa, sorted(structure.services)),
        ("Ville de Vaubrun", "avec", ["PATRIMOINE", "VOIRIE"]),
    ),
    (
        "routing/structures/2.json",
        lambda structure: structure.services["TRAVAUX"].valid_until,
        date(2026, 12, 31),
    ),
    (
        "organisation/structures/2.json",
        lambda structure: (
            structure.declared.address.city,
            structure.declared.email,
            structure.declared.pipes,
            structure.declared.services[0].valid_from,
        ),
        ("Vaubrun", "contact@vaubrun.example", {"travaux"}, date(2026, 1, 1)),
    ),
    (
        "organisation/establishments/1.json",
        lambda establishment: (establishment.name, establishment.address.street),
        ("COMMUNE DE VAUBRUN", "12 RUE DES TANNEURS"),
    ),
    (
        "organisation/structures/1.json",
        lambda structure: (structure.declared.parameters.moa, structure.declared.services[1].code),
        ("avec", "VOIRIE"),
    ),
    (
        "organisation/machines/1.json",
        lambda machine: (sorted(machine.grants), [each.announced for each in machine.secrets]),
        (["90000000100017", "90000000300013"], [True, False]),
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
        "deposit/pieces/5.json",
        lambda piece: {piece.user, piece.completions[0].user},
        {_USER},
    ),
    (
        "deposit/pieces/6.json",
        lambda piece: (piece.draft.mandant, piece.draft.mandate.version, piece.draft.settles),
        ("26690036900014", 2, ("01a22e3a-9bd5-759b-b228-49688407a9d7",)),
    ),
    (
        "deposit/pieces/7.json",
        lambda piece: (piece.draft.lot, piece.draft.sheet.version, piece.draft.delays),
        ("2", 1, {"etat_acompte": 10}),
    ),
    (
        "deposit/settlements/1.json",
        lambda claim: (claim.dossier_id, claim.piece_id),
        ("01a22e3a-9bd5-759b-b228-49688407a9d7", "01a22e3a-9ca5-76b0-ad83-b6ea523648ba"),
    ),
    (
        "deposit/dossiers/3.json",
        lambda state: (state.mandant, state.marche),
        ("26690036900014", "M-2026-7"),
    ),
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
        "notification/statuses/2.json",
        lambda entry: {each.service for each in entry.parties if each.role == "moe"},
        {"TRAVAUX"},
    ),
    ("notification/statuses/3.json", lambda entry: entry.marche, "2026-TX-07"),
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
        "portal/pieces/3.json",
        lambda piece: (piece.cadre, piece.settles, piece.mandant[:17]),
        ("A1", ("D-1",), "service_financier"),
    ),
    (
        "portal/pieces/4.json",
        lambda piece: (piece.whole.status, piece.reported.status),
        ("MISE_EN_PAIEMENT", "MANDATEE"),
    ),
    (
        "support/tickets/1.json",
        lambda ticket: (ticket.number, [each.act for each in ticket.journal]),
        ("T-2027-000001", ["enregistrer", "deposer"]),
    ),
    (
        "support/tickets/3.json",
        lambda ticket: {each.user for each in ticket.journal},
        {_USER},
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
