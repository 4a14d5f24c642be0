"""Search and dashboard over HTTP: who finds what."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.contracts.common_v1 import PartyV1
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.portal.world import World
from tests.kit.access import get_access
from tests.kit.states import NOON, a_paid_piece, build_amounts
from tests.kit.waiting import wait_until

FRANCS = build_amounts("2500.50")
CRITERIA: dict[str, tuple[dict[str, Any], set[str]]] = {
    "number": ({"number": " sit-b "}, {"b"}),
    "number, by its beginning": ({"number_prefix": "sit-"}, {"a", "b"}),
    "date of the piece": ({"issued_from": "2026-12-01", "issued_to": "2026-12-01"}, {"b"}),
    "day of deposit in Paris": ({"deposited_from": "2026-12-02"}, {"b"}),
    "until a day of deposit": ({"deposited_to": "2026-12-01"}, {"a", "c"}),
    "TTC": ({"ttc_from": "3000.60", "ttc_to": "3000.60"}, {"b"}),
    "TTC, both bounds included": ({"ttc_from": "120.00", "ttc_to": "3000.60"}, {"a", "b"}),
    "date of the piece, included": ({"issued_to": "2026-11-20"}, {"a", "c"}),
    "HT, from": ({"ht_from": "2500.51"}, set()),
    "due, to": ({"due_to": "-0.01"}, {"c"}),
    "currency": ({"currency": "XPF"}, {"b"}),
    "one status": ({"status": "SUSPENDUE"}, {"b"}),
    "several statuses": ({"status": ["SUSPENDUE", "A_ASSOCIER_MOE"]}, {"a", "b"}),
    "several cadres": ({"cadre": ["A15", "A19"]}, {"c"}),
    "marche": ({"marche": "M-b"}, {"b"}),
    "engagement": ({"engagement": "E-b"}, {"b"}),
    "who deposited": ({"depositor": "moe"}, {"c"}),
    "closed": ({"closed": True}, {"c"}),
    "not closed": ({"closed": False}, {"a", "b"}),
    "what awaits the caller": ({"awaits_me": True}, {"b"}),
    "what the caller received": ({"received": True}, {"c"}),
    "what it received, of a status": ({"received": True, "status": "SUSPENDUE"}, set()),
    "two at once": ({"awaits_me": True, "marche": "M-c"}, set()),
    "all at once": ({"closed": False, "currency": "EUR", "cadre": "A4", "ttc_from": "1"}, {"a"}),
}


async def tell_three(world: World) -> None:
    """Tell an old dossier that awaits its MOE, one that awaits its MOA, and a closed one."""
    # 23:30 UTC on 1 December is 2 December in Paris.
    late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)
    await world.tell(
        world.state("1", 1, world.piece("a"), awaited=world.build_awaited(Role.MOE, "a")),
        world.state(
            "2",
            1,
            world.piece(
                "b",
                number="Sit-b",
                status=Status.SUSPENDUE,
                issued_on=date(2026, 12, 1),
                deposited_at=late,
                currency="XPF",
                amounts=FRANCS,
                marche="M-b",
                engagement="E-b",
            ),
            awaited=world.build_awaited(Role.MOA, "b"),
        ),
        world.state(
            "3",
            1,
            world.piece(
                "c",
                Role.MOE,
                number="EA-c",
                cadre="A15",
                status=Status.REFUSEE_MOA,
                deposited_at=NOON - timedelta(days=1),
                amounts=build_amounts("-10.00"),
                marche="M-c",
            ),
            closed=True,
        ),
    )


async def test_each_criterion_finds_what_fulfils_it_and_nothing_else(world: World) -> None:
    await tell_three(world)
    found = {
        name: set(await world.search(Role.MOA, **asked)) for name, (asked, _) in CRITERIA.items()
    }

    assert found == {name: wanted for name, (_, wanted) in CRITERIA.items()}


async def test_a_regularisation_is_issued_by_the_delegate_and_received_by_who_pays(
    world: World,
) -> None:
    delegate = world.structure(Role.MOA)
    a1 = world.piece("a1", Role.MOA, cadre="A1", status=Status.MISE_A_DISPOSITION, settles=("D-1",))
    parties = world.parties.model_copy(
        update={"titulaire": PartyV1(structure=delegate), "moe": None}
    )
    await world.tell(
        world.state(
            "1",
            1,
            a1,
            parties=parties,
            mandant=world.structure(Role.SERVICE_FINANCIER),
            table_version="2026-3",
            awaited=world.build_awaited(Role.SERVICE_FINANCIER, "a1"),
        ),
        world.state(
            "2", 1, world.piece("a19", Role.MOA, cadre="A19", status=Status.MISE_A_DISPOSITION)
        ),
    )

    async def list_as(role: Role) -> dict[str, set[str]]:
        return {
            each: set(await world.search(role, application=each))
            for each in ("factures_emises", "factures_de_travaux", "factures_recues")
        }

    (shown,) = (await world.page(Role.MOA, application="factures_emises"))["pieces"]
    assert await list_as(Role.MOA) == {
        "factures_emises": {"a1"},
        "factures_de_travaux": {"a19"},
        "factures_recues": set(),
    }
    assert await list_as(Role.SERVICE_FINANCIER) == {
        "factures_emises": set(),
        "factures_de_travaux": set(),
        "factures_recues": {"a1", "a19"},
    }
    assert (shown["mandant"], shown["settles"]) == (
        world.structure(Role.SERVICE_FINANCIER),
        ["D-1"],
    )
    unknown = await world.http.get(
        "/pieces", params={"application": "autre"}, headers=world.headers(Role.MOA)
    )
    assert unknown.status_code == 422


async def test_a_party_is_found_with_its_service_or_whichever(world: World) -> None:
    await world.tell(world.state("1", 1, world.piece("a")))
    moa = world.structure(Role.MOA)

    assert await world.search(Role.MOE, moa=moa) == ["a"]
    assert await world.search(Role.MOE, moa=moa, moa_service="AUTRE") == []
    assert await world.search(Role.MOE, moe=moa) == []
    assert await world.search(Role.MOE, cotraitant=moa) == []


async def test_the_latest_deposit_comes_first_and_every_party_sees_the_piece(world: World) -> None:
    await tell_three(world)

    for role in (Role.TITULAIRE, Role.MOE, Role.MOA, Role.SERVICE_FINANCIER):
        assert await world.search(role) == ["b", "a", "c"]


async def test_the_pieces_of_one_dossier_are_found_by_it(world: World) -> None:
    await tell_three(world)
    newest, *_ = (await world.page(Role.MOE))["pieces"]

    assert await world.search(Role.MOE, dossier=newest["dossier_id"]) == ["b"]
    assert await world.search(Role.MOE, dossier="aucun") == []


async def test_another_structure_and_another_role_see_nothing(world: World) -> None:
    await tell_three(world)
    strangers = [
        get_access().headers(structure, role)
        for structure, role in (
            (world.structure(Role.MOA), "moe"),
            (world.structure(Role.MOA), "titulaire"),
            (world.structure(Role.MOA)[:-1], "moa"),
            (f"{world.structure(Role.MOA)}x", "moa"),
        )
    ]

    for stranger in strangers:
        page = (await world.http.get("/pieces", headers=stranger)).json()
        board = (await world.http.get("/dashboard", headers=stranger)).json()
        asked = {"deposited_from": "2026-01-01", "deposited_to": "2026-12-31"}
        listed = (await world.http.get("/fiscal-list", params=asked, headers=stranger)).json()
        assert (page["pieces"], page["next"]) == ([], None)
        assert (board["sent"], board["received"], board["awaiting"]["pieces"]) == ([], [], 0)
        assert (listed["totals"], listed["received"]) == ([], [])
    assert (await world.http.get("/pieces")).status_code == 401


async def test_a_piece_is_shown_with_names_labels_and_who_is_awaited(world: World) -> None:
    await world.name(Role.MOE, 2, "Atelier du Pont")
    await world.name(Role.MOE, 1, "Ancien nom")
    due = NOON + timedelta(days=7)
    awaited = world.build_awaited(Role.MOE, "a", due=due)
    await world.tell(world.state("1", 1, world.piece("a"), awaited=awaited))

    async def is_named() -> bool:
        (piece,) = (await world.page(Role.MOE))["pieces"]
        return piece["parties"]["moe"]["name"] is not None

    await wait_until(is_named, "the structure, which comes by a topic of its own")
    (piece,) = (await world.page(Role.MOE))["pieces"]

    assert piece["cadre_label"] == "projet de décompte mensuel"
    assert piece["status_label"] == "À associer par la maîtrise d'œuvre"
    assert piece["amounts"] == {"ht": "100.00", "tva": "20.00", "ttc": "120.00", "due": "120.00"}
    assert piece["parties"]["moe"]["name"] == "Atelier du Pont"
    assert piece["parties"]["moa"]["name"] is None
    (actor,) = piece["awaited"]["actors"]
    assert (actor["role"], actor["name"]) == ("moe", "Atelier du Pont")
    assert piece["awaited"]["due"] == "2026-12-01T11:00:00Z"
    assert piece["awaits_me"] is True


async def test_a_cursor_leads_through_every_piece_once_while_others_arrive(world: World) -> None:
    states = [
        world.state(
            str(rank),
            1,
            # Three at the same moment: the id decides.
            world.piece(f"{rank}", deposited_at=NOON + timedelta(minutes=rank // 3)),
        )
        for rank in range(10)
    ]
    await world.tell(*states)
    seen: list[str] = []
    after: dict[str, str] = {}
    for arrival in range(4):
        page = await world.page(Role.MOA, limit=3, **after)
        seen += [world.short(piece) for piece in page["pieces"]]
        await world.tell(
            world.state(
                f"new-{arrival}",
                1,
                world.piece(f"new-{arrival}", deposited_at=datetime(2027, 1, 1, tzinfo=UTC)),
            ),
            # A status that changes does not move a piece.
            world.state(
                "5",
                arrival + 2,
                world.piece(
                    "5", status=Status.PRISE_EN_COMPTE_MOE, deposited_at=NOON + timedelta(minutes=1)
                ),
            ),
        )
        after = {"after": page["next"]} if page["next"] else {}

    assert seen == [str(rank) for rank in reversed(range(10))]
    assert after == {}


async def test_a_dashboard_counts_what_was_sent_and_what_was_received(world: World) -> None:
    await tell_three(world)
    since = "2026-11-24T11:00:00Z"

    board = await world.get("/dashboard", Role.MOE)

    assert board["sent"] == [
        {"status": "REFUSEE_MOA", "status_label": "Refusée par la maîtrise d'ouvrage", "pieces": 1}
    ]
    assert [(each["status"], each["pieces"]) for each in board["received"]] == [
        ("SUSPENDUE", 1),
        ("A_ASSOCIER_MOE", 1),
    ]
    assert board["awaiting"] == {"pieces": 1, "oldest": since}
    assert (await world.get("/dashboard", Role.TITULAIRE))["awaiting"]["pieces"] == 0


async def test_a_dashboard_counts_as_received_what_came_to_the_caller_and_nothing_else(
    world: World,
) -> None:
    await tell_three(world)
    await world.tell(
        world.state(
            "4",
            1,
            world.piece("held", status=Status.DEPOSEE),
            awaited=world.build_awaited(Role.MOE, "held", held="CIR-MOA-01"),
        ),
        world.state(
            "5",
            1,
            world.piece("d", status=Status.ASSOCIEE),
            world.piece(
                "e", Role.MOE, cadre="A15", status=Status.ASSOCIEE, follows=world.id + "-d"
            ),
            world.piece(
                "f",
                Role.MOA,
                cadre="A19",
                status=Status.MISE_A_DISPOSITION,
                follows=world.id + "-e",
            ),
            world.piece("g", Role.MOA, cadre="A19", status=Status.REJETEE, follows=world.id + "-e"),
        ),
    )
    received = {}
    for role in (Role.TITULAIRE, Role.MOE, Role.MOA, Role.SERVICE_FINANCIER):
        board = await world.get("/dashboard", role)
        received[role] = {each["status"]: each["pieces"] for each in board["received"]}
        found = (await world.page(role, received=True))["pieces"]
        assert len(found) == sum(received[role].values())
        assert all(piece["received"] for piece in found)

    assert received == {
        Role.TITULAIRE: {},
        Role.MOE: {"SUSPENDUE": 1, "A_ASSOCIER_MOE": 1, "ASSOCIEE": 1},
        Role.MOA: {"REFUSEE_MOA": 1, "ASSOCIEE": 1},
        Role.SERVICE_FINANCIER: {"MISE_A_DISPOSITION": 1},
    }
    board = await world.get("/dashboard", Role.MOA)
    assert {each["status"]: each["pieces"] for each in board["sent"]} == {
        "MISE_A_DISPOSITION": 1,
        "REJETEE": 1,
    }


@pytest.mark.parametrize(
    ("cadre", "depositor", "other"),
    [("A4", Role.TITULAIRE, Role.MOE), ("A25", Role.MOA, Role.SERVICE_FINANCIER)],
    ids=["of a piece sent", "of a piece received"],
)
async def test_a_hidden_payment_is_betrayed_by_no_search_no_count_and_no_list(
    world: World, cadre: str, depositor: Role, other: Role
) -> None:
    piece = world.piece(
        "a",
        depositor,
        cadre=cadre,
        status=Status.MANDATEE,
        status_at=datetime(2026, 11, 26, 11, tzinfo=UTC),
    )
    payer = world.build_awaited(Role.SERVICE_FINANCIER, "a", due=NOON + timedelta(days=30))
    hiding: dict[str, Any] = {"payment_not_reported": True}
    await world.tell(world.state("1", 1, piece, awaited=payer, **hiding))
    before = await everything(world, Role.TITULAIRE)
    paid = a_paid_piece(piece.piece_id, cadre=cadre, depositor=piece.depositor)
    await world.tell(world.state("1", 2, paid, closed=True, **hiding))

    assert await everything(world, Role.TITULAIRE) == before
    assert "MANDATEE" in str(before["board"])
    assert (await world.page(Role.MOA, status="MISE_EN_PAIEMENT", closed=True))["pieces"]
    assert "MISE_EN_PAIEMENT" in str((await world.get("/dashboard", other))["received"])


async def everything(world: World, role: Role) -> dict[str, Any]:
    """Ask for all that could tell of a payment."""
    period = {"deposited_from": "2026-11-01", "deposited_to": "2026-11-30"}
    asked: list[dict[str, Any]] = [
        {},
        {"status": "MISE_EN_PAIEMENT"},
        {"status": "MANDATEE"},
        {"closed": True},
        {"closed": False},
        {"awaits_me": True},
        {"received": True},
        {"received": True, "status": "MISE_EN_PAIEMENT"},
    ]
    answers = {str(each): await world.page(role, **each) for each in asked}
    csv = await world.http.get(
        "/fiscal-list", params=period | {"format": "csv"}, headers=world.headers(role)
    )
    return answers | {
        "board": await world.get("/dashboard", role),
        "list": await world.get("/fiscal-list", role, **period),
        "csv": csv.text,
    }


def _fiscal(first: str, last: str, form: str = "json") -> str:
    return f"/fiscal-list?deposited_from={first}&deposited_to={last}&format={form}"


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("/pieces?numero=1", "numero", "HTTP-FORM-01"),
        ("/pieces?status=PAYEE", "status.0", "HTTP-FORM-01"),
        ("/pieces?ttc_from=1e3", "ttc_from", "HTTP-FORM-01"),
        ("/pieces?ttc_from=1,5", "ttc_from", "HTTP-FORM-01"),
        ("/pieces?issued_from=20/11/2026", "issued_from", "HTTP-FORM-01"),
        ("/pieces?issued_from=2026-W48-1", "issued_from", "HTTP-FORM-01"),
        ("/pieces?issued_to=1795478400", "issued_to", "HTTP-FORM-01"),
        ("/pieces?deposited_from=0001-01-01", "deposited_from", "HTTP-FORM-01"),
        ("/pieces?deposited_to=9999-12-31", "deposited_to", "HTTP-FORM-01"),
        (
            _fiscal("1899-12-31", "1900-01-30"),
            "deposited_from",
            "HTTP-FORM-01",
        ),
        ("/pieces?limit=201", "limit", "HTTP-FORM-01"),
        ("/pieces?limit=0", "limit", "HTTP-FORM-01"),
        ("/pieces?number=", "number", "HTTP-FORM-01"),
        ("/pieces?closed=peut-etre", "closed", "HTTP-FORM-01"),
        ("/pieces?depositor=maire", "depositor", "HTTP-FORM-01"),
        ("/pieces?moa_service=A", "moa_service", "POR-CRITERE-02"),
        ("/pieces?ttc_from=2&ttc_to=1", "ttc_from", "POR-CRITERE-01"),
        ("/pieces?issued_from=2026-02-01&issued_to=2026-01-01", "issued_from", "POR-CRITERE-01"),
        ("/pieces?after=fxyz", "after", "POR-PAGE-01"),
        ("/pieces?after=%C3%A9", "after", "POR-PAGE-01"),
        # The last moment of the year 9999, in a zone behind: no moment in this one.
        ("/pieces?after=OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzowMHxw", "after", "POR-PAGE-01"),
        ("/pieces?cadre=A4&cadre=A99", "cadre", "CIR-CADRE-01"),
        ("/pieces?status=PERDUE", "status.0", "HTTP-FORM-01"),
        ("/dashboard?status=DEPOSEE", "status", "HTTP-FORM-01"),
        ("/fiscal-list", "deposited_from", "HTTP-FORM-01"),
        (
            _fiscal("2026-01-01", "2026-01-02", "pdf"),
            "format",
            "HTTP-FORM-01",
        ),
        (
            _fiscal("2026-01-02", "2026-01-01"),
            "deposited_from",
            "POR-CRITERE-01",
        ),
        (
            _fiscal("2025-01-01", "2026-12-31"),
            "deposited_to",
            "POR-LISTE-01",
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused_and_named(
    http: httpx.AsyncClient, path: str, field: str, code: str
) -> None:
    answer = await http.get(path, headers=get_access().headers("s", "moa"))

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    violation = answer.json()["violations"][0]
    assert (violation["field"], violation["code"]) == (field, code)
