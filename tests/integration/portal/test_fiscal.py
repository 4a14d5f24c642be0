"""The fiscal list over HTTP, and over ten thousand pieces."""

import csv
import gc
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from zipfile import ZipFile

import httpx

from services.portal.adapters.documents import PIECES, build_sort_key
from services.portal.adapters.pieces import MongoPieces
from services.portal.adapters.queries import NEWEST_FIRST, OLDEST_FIRST
from services.portal.adapters.sheets import CsvSheet
from services.portal.application.fiscal_lists import (
    HEADERS,
    NOTICES,
    RECEIVED_HEADERS,
    RECEIVED_NOTICES,
    FiscalLists,
)
from services.portal.application.piece_states import read_pieces
from services.portal.domain.criteria import Range
from shared.contracts.routing_v1 import PrevailingV1
from shared.runtime.messaging.directory import Directory
from shared.runtime.store.database import Store
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.portal.world import World
from tests.kit.states import NOON, TITULAIRE, a_state, build_amounts

SLICE = 500
MANY = 10_000
_FORM = {"deposited_from": "2026-11-01", "deposited_to": "2026-11-30"}


async def tell_a_month(world: World) -> None:
    """Tell what a supplier sent in November, at its edges, and beside it."""
    first = datetime(2026, 10, 31, 23, tzinfo=UTC)
    last = datetime(2026, 11, 30, 22, 59, 59, 999000, tzinfo=UTC)
    an_instant = timedelta(milliseconds=1)
    await world.tell(
        world.state("1", 1, world.piece("first", deposited_at=first, number="=1+1")),
        world.state("2", 1, world.piece("refused", status=Status.REFUSEE_MOE)),
        world.state("3", 1, world.piece("avoir", amounts=build_amounts("-30.00"), marche="-2+3")),
        world.state("4", 1, world.piece("last", deposited_at=last, currency="XPF")),
        world.state("5", 1, world.piece("before", deposited_at=first - an_instant)),
        world.state("6", 1, world.piece("after", deposited_at=last + an_instant)),
        world.state("7", 1, world.piece("of another", Role.MOE, cadre="A15")),
    )


async def file(world: World, kind: str, role: Role = Role.TITULAIRE) -> httpx.Response:
    answer = await world.http.get(
        "/fiscal-list", params=_FORM | {"format": kind}, headers=world.headers(role)
    )
    assert answer.status_code == 200, answer.text
    return answer


async def test_the_totals_are_those_of_what_was_sent_in_the_days_of_paris(world: World) -> None:
    await tell_a_month(world)

    listed = await world.get("/fiscal-list", Role.TITULAIRE, **_FORM)

    euro, francs = listed["totals"]
    assert (euro["currency"], francs["currency"]) == ("EUR", "XPF")
    assert euro["every"] == {
        "pieces": 3,
        "ht": "170.00",
        "tva": "34.00",
        "ttc": "204.00",
        "due": "204.00",
    }
    assert (euro["kept"]["pieces"], euro["kept"]["ht"]) == (2, "70.00")
    assert (euro["avoirs"]["pieces"], euro["avoirs"]["ht"]) == (1, "-30.00")
    assert [(each["cadre"], each["cadre_label"]) for each in euro["by_cadre"]] == [
        ("A4", "projet de décompte mensuel")
    ]
    assert francs["every"]["pieces"] == 1
    assert any("avoir" in notice for notice in listed["notices"])


async def test_each_lists_what_it_sent_itself(world: World) -> None:
    await tell_a_month(world)

    (total,) = (await world.get("/fiscal-list", Role.MOE, **_FORM))["totals"]

    assert (total["every"]["pieces"], total["by_cadre"][0]["cadre"]) == (1, "A15")
    assert (await world.get("/fiscal-list", Role.MOA, **_FORM))["totals"] == []
    (of_others,) = (await world.get("/fiscal-list", Role.MOA, **_FORM))["received"]
    assert (of_others["every"]["pieces"], of_others["by_cadre"][0]["cadre"]) == (1, "A15")


async def test_the_csv_holds_each_piece_then_the_totals_and_runs_nothing(world: World) -> None:
    await world.name(Role.MOA, 1, "@Mairie")
    await tell_a_month(world)

    answer = await file(world, "csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "liste-fiscale-titulaire-" in answer.headers["content-disposition"]
    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    end = rows.index(["Pièces reçues"]) - 1
    assert rows[end:] == [
        [],
        ["Pièces reçues"],
        list(RECEIVED_HEADERS),
        [],
        *([each] for each in RECEIVED_NOTICES),
    ]
    rows = rows[:end]
    assert rows[0] == list(HEADERS)
    pieces = [dict(zip(HEADERS, row, strict=True)) for row in rows[1:5]]
    assert [piece["Date de dépôt"] for piece in pieces] == [
        "01/11/2026",
        "24/11/2026",
        "24/11/2026",
        "30/11/2026",
    ]
    assert pieces[0]["Numéro"] == "'=1+1"
    assert pieces[0]["Nom de la maîtrise d'ouvrage"] == "'@Mairie"
    by_name = {piece["Pièce"].removeprefix(f"{world.id}-"): piece for piece in pieces}
    assert by_name["avoir"]["Montant HT"] == "-30,00"
    assert by_name["avoir"]["Marché"] == "'-2+3"
    assert by_name["refused"]["Refusée ou rejetée"] == "oui"
    assert by_name["refused"]["Statut"] == "Refusée par la maîtrise d'œuvre"
    assert rows[5] == []
    totals = {(row[0], row[2], row[8]): (row[1], row[9]) for row in rows[6:-2]}
    assert totals["Total", "tous", "EUR"] == ("3 pièces", "170,00")
    assert totals["Total hors refus et rejets", "tous", "EUR"] == ("2 pièces", "70,00")
    assert totals["Dont avoirs", "A4", "EUR"] == ("1 pièce", "-30,00")
    assert totals["Total", "A4", "XPF"] == ("1 pièce", "100,00")
    assert [row[0] for row in rows[-2:]] == list(NOTICES)


def prevailing(world: World, name: str, ht: str, type_code: str = "380") -> PrevailingV1:
    """Say what prevails in a dossier, and which piece states it."""
    return PrevailingV1(
        piece_id=f"{world.id}-{name}",
        cadre="A19",
        number=name,
        currency="EUR",
        amounts=build_amounts(ht),
        type_code=type_code,
        is_settled=True,
    )


async def tell_what_a_payer_receives(world: World) -> None:
    """Tell of a décompte to pay, a signature, an avoir and a rejected piece; one is yet to come."""
    to_pay = {"status": Status.MISE_A_DISPOSITION, "cadre": "A19"}
    await world.tell(
        world.state(
            "1",
            1,
            world.piece("a4", status=Status.ASSOCIEE, amounts=build_amounts("110.00")),
            world.piece("a15", Role.MOE, cadre="A15", status=Status.ASSOCIEE),
            world.piece("a19", Role.MOA, follows=f"{world.id}-a15", **to_pay),
            prevailing=prevailing(world, "a19", "100.00"),
        ),
        world.state(
            "2",
            1,
            world.piece(
                "a8",
                cadre="A8",
                status=Status.MISE_EN_PAIEMENT,
                amounts=build_amounts("55.00"),
                number="=A8",
            ),
            closed=True,
            prevailing=prevailing(world, "a20", "50.00"),
        ),
        world.state(
            "3",
            1,
            world.piece(
                "avoir", Role.MOA, amounts=build_amounts("30.00"), type_code="381", **to_pay
            ),
            prevailing=prevailing(world, "avoir", "30.00", "381"),
        ),
        world.state(
            "4",
            1,
            world.piece(
                "rejected",
                Role.MOA,
                cadre="A19",
                status=Status.REJETEE,
                amounts=build_amounts("7.00"),
            ),
            closed=True,
        ),
        world.state("5", 1, world.piece("held", Role.MOA, cadre="A19", status=Status.DEPOSEE)),
        world.state(
            "6",
            1,
            world.piece(
                "later", Role.MOA, deposited_at=datetime(2026, 12, 1, tzinfo=UTC), **to_pay
            ),
        ),
    )


async def test_a_service_financier_lists_what_it_received_by_what_prevails(world: World) -> None:
    await tell_what_a_payer_receives(world)

    listed = await world.get("/fiscal-list", Role.SERVICE_FINANCIER, **_FORM)

    assert listed["totals"] == []
    (euro,) = listed["received"]
    assert (euro["every"]["pieces"], euro["every"]["ht"]) == (4, "127.00")
    assert (euro["kept"]["pieces"], euro["kept"]["ht"], euro["kept"]["due"]) == (
        3,
        "120.00",
        "144.00",
    )
    assert (euro["avoirs"]["pieces"], euro["avoirs"]["ht"]) == (1, "-30.00")
    by_cadre = {each["cadre"]: each["kept"] for each in euro["by_cadre"]}
    assert {cadre: (kept["pieces"], kept["ht"]) for cadre, kept in by_cadre.items()} == {
        "A8": (1, "50.00"),
        "A19": (2, "70.00"),
    }
    assert listed["notices"] == list(NOTICES)
    assert listed["received_notices"] == list(RECEIVED_NOTICES)


async def test_what_was_sent_and_what_was_received_are_never_added(world: World) -> None:
    await tell_what_a_payer_receives(world)

    listed = await world.get("/fiscal-list", Role.MOA, **_FORM)

    (sent,), (received,) = listed["totals"], listed["received"]
    assert [each["cadre"] for each in sent["by_cadre"]] == ["A19"]
    assert (sent["every"]["pieces"], sent["kept"]["ht"]) == (4, "170.00")
    assert [each["cadre"] for each in received["by_cadre"]] == ["A15"]
    assert (received["every"]["pieces"], received["kept"]["ht"]) == (1, "100.00")


async def test_the_csv_of_a_service_financier_has_its_pieces_in_a_section_of_their_own(
    world: World,
) -> None:
    await world.name(Role.MOA, 1, "Mairie")
    await tell_what_a_payer_receives(world)

    answer = await file(world, "csv", Role.SERVICE_FINANCIER)

    rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    start = rows.index(["Pièces reçues"])
    assert rows[: start - 1] == [list(HEADERS), [], *([each] for each in NOTICES)]
    assert rows[start + 1] == list(RECEIVED_HEADERS)
    lines = rows[start + 2 : start + 6]
    pieces = [dict(zip(RECEIVED_HEADERS, row, strict=True)) for row in lines]
    by_name = {piece["Pièce"].removeprefix(f"{world.id}-"): piece for piece in pieces}
    assert set(by_name) == {"a19", "a8", "avoir", "rejected"}
    signed = by_name["a8"]
    assert (signed["Numéro"], signed["Statut"]) == ("'=A8", "Mise en paiement")
    assert (signed["Montant HT"], signed["HT énoncé"]) == ("50,00", "55,00")
    assert (signed["Net à payer"], signed["Montants arrêtés"]) == ("60,00", "oui")
    assert signed["Rôle du déposant"] == "titulaire"
    assert (by_name["avoir"]["Montant HT"], by_name["avoir"]["HT énoncé"]) == ("-30,00", "30,00")
    assert by_name["rejected"]["Refusée ou rejetée"] == "oui"
    assert (by_name["a19"]["Rôle du déposant"], by_name["a19"]["Nom du déposant"]) == (
        "maîtrise d'ouvrage",
        "Mairie",
    )
    assert rows[start + 6] == []
    totals = {(row[0], row[2]): (row[1], row[9]) for row in rows[start + 7 : -3]}
    assert totals["Total reçu", "tous"] == ("4 pièces", "127,00")
    assert totals["Total reçu hors refus et rejets", "A19"] == ("2 pièces", "70,00")
    assert totals["Dont avoirs reçus", "A19"] == ("1 pièce", "-30,00")
    assert [row[0] for row in rows[-3:]] == list(RECEIVED_NOTICES)


async def test_the_workbook_of_a_service_financier_has_a_sheet_of_what_it_received(
    world: World,
) -> None:
    await tell_what_a_payer_receives(world)

    answer = await file(world, "xlsx", Role.SERVICE_FINANCIER)

    with ZipFile(BytesIO(answer.content)) as archive:
        assert 'name="Pièces reçues"' in archive.read("xl/workbook.xml").decode()
        sent, received = (
            archive.read(f"xl/worksheets/sheet{rank}.xml").decode() for rank in (1, 2)
        )
    assert "=A8" not in sent
    assert "=A8" in received
    assert "<f>" not in received


async def test_the_workbook_is_one(world: World) -> None:
    await tell_a_month(world)

    answer = await file(world, "xlsx")

    assert answer.headers["content-disposition"].endswith('.xlsx"')
    with ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "=1+1" in sheet
    assert "<f>" not in sheet
    assert NOTICES[0] in sheet


async def test_ten_thousand_pieces_are_listed_without_being_held_in_memory(store: Store) -> None:
    (pattern,) = ({**PIECES.write(piece, 1), "version": 1} for piece in read_pieces(a_state()))
    pieces = store.collection(PIECES.collection)
    await pieces.create_index([("depositor", 1), *OLDEST_FIRST])
    await pieces.create_index([("received_by", 1), *NEWEST_FIRST])
    documents = [
        {
            **pattern,
            "_id": (name := f"p{rank}"),
            "deposited_at": at,
            "order": build_sort_key(at, name),
        }
        for rank in range(MANY)
        for at in [NOON + timedelta(seconds=rank)]
    ]
    # In slices: on a loaded machine one command of all would outlast the driver's time-out.
    for start in range(0, MANY, SLICE):
        await pieces.insert_many(documents[start : start + SLICE], ordered=False)
    lists = FiscalLists(MongoPieces(store), Directory(store))
    viewer = Actor(Role.TITULAIRE, TITULAIRE)
    tables = lists.list_tables(viewer, Range(date(2026, 11, 24), date(2026, 11, 24)))
    before, peak, size, end = len(gc.get_objects()), 0, 0, b""
    async for chunk in CsvSheet().write(tables):
        peak = max(peak, len(gc.get_objects()) - before)
        size, end = size + len(chunk), (end + chunk)[-4000:]

    print(f"{size / 1024**2:.1f} MB written, {peak} objects at the peak")
    assert f"Total;{MANY} pièces;tous;".encode() in end
    # A piece is some thirty objects, from the store's answer to the row.
    assert peak < 3 * MANY
