"""Sheets of marchés over HTTP, and what is told of them on their topic."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from deploy.local import Addresses
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import SheetChanged
from shared.contracts.topics import MARCHE
from shared.vocabulary.siret import is_siret
from tests.kit.access import get_access
from tests.kit.topics import read_until

MOE, TITULAIRE = "90000000200015", "90000000100017"


def acting(structure: str, **more: str) -> dict[str, str]:
    return get_access().headers(structure, "moa", **more)


def operating(**more: str) -> dict[str, str]:
    return get_access().operator_headers(**more)


async def declare(http: httpx.AsyncClient, structure: str, kind: str, **changes: object) -> None:
    body = {
        "identifier_type": "SIRET",
        "identifier": structure,
        "name": f"Structure {structure}",
        "kind": kind,
        **changes,
    }
    answer = await http.put(f"/structures/{structure}", json=body, headers=operating())
    assert answer.status_code in {200, 201}, answer.text


@pytest.fixture
async def moa(http: httpx.AsyncClient, siret: str) -> str:
    """Give a MOA that has no sheet, and the actors of its marchés."""
    services = [{"code": "TRAVAUX", "name": "Travaux"}]
    await declare(http, siret, "PUBLIQUE", parameters={"moa": "avec"}, services=services)
    await declare(http, MOE, "PRIVEE")
    await declare(http, TITULAIRE, "PRIVEE")
    return siret


def sheet(moa: str, **changes: object) -> dict[str, Any]:
    """Give the body of a sheet, in the form in which it is answered."""
    actor = {"service": None, "lot": None, "valid_from": None, "valid_until": None}
    return {
        "number": "2026-T-017",
        "title": "Rénovation du groupe scolaire Jean-Macé",
        "actors": [
            actor | {"role": "titulaire", "structure": TITULAIRE, "lot": "1"},
            actor
            | {
                "role": "moe",
                "structure": MOE,
                "valid_from": "2026-01-01",
                "valid_until": "2027-12-31",
            },
            actor | {"role": "service_financier", "structure": moa, "service": "TRAVAUX"},
        ],
        "lots": [{"code": "1", "title": "Gros œuvre"}, {"code": "2", "title": ""}],
        "delays": {"etat_acompte": 10},
        "required": ["engagement", "lot"],
        **changes,
    }


async def create(
    http: httpx.AsyncClient, moa: str, body: dict[str, Any], **headers: str
) -> httpx.Response:
    url = f"/structures/{moa}/sheets"
    return await http.post(url, json=body, headers=acting(moa, **headers))


async def read_changes(addresses: Addresses, sheet_id: str, number: int) -> list[SheetChanged]:
    values = await read_until(
        addresses.kafka, MARCHE, lambda record: record.key.decode() == sheet_id, number
    )
    return [Event[SheetChanged].model_validate_json(value).data for value in values]


def get_codes(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(each["code"], each["field"]) for each in answer.json()["violations"]]


async def test_a_sheet_is_created_replaced_withdrawn_and_each_version_is_kept_and_told(
    http: httpx.AsyncClient, addresses: Addresses, moa: str
) -> None:
    mine, body = acting(moa), sheet(moa)
    created = await create(http, moa, body)
    assert (created.status_code, created.headers["ETag"]) == (201, '"1"')
    url = f"/structures/{moa}/sheets/{created.json()['sheet_id']}"

    read = await http.get(url, headers=mine)
    assert read.json() == created.json()
    assert read.json()["sheet"] == body

    # What was read is what may be sent: nothing changes, whatever version was read.
    same = await http.put(url, json=read.json()["sheet"], headers=mine | {"If-Match": '"9"'})
    assert (same.status_code, same.headers["ETag"]) == (200, '"1"')

    longer = sheet(moa, title="Rénovation", delays={"paiement": 45})
    replaced = await http.put(url, json=longer, headers=mine | {"If-Match": '"1"'})
    stale = await http.put(url, json=body, headers=mine | {"If-Match": '"1"'})
    assert (replaced.status_code, replaced.headers["ETag"]) == (200, '"2"')
    assert (stale.status_code, get_codes(stale)) == (412, [("ORG-FICHE-05", "If-Match")])

    late = await http.delete(url, headers=mine | {"If-Match": '"1"'})
    withdrawn = await http.delete(url, headers=mine | {"If-Match": '"2"'})
    again = await http.delete(url, headers=mine)
    assert [late.status_code, withdrawn.status_code, again.status_code] == [412, 204, 204]
    assert (await http.get(url, headers=mine)).json()["active"] is False
    restored = await http.put(url, json=longer, headers=mine)
    assert (restored.json()["version"], restored.json()["active"]) == (4, True)

    versions = (await http.get(f"{url}/versions?limit=3", headers=mine)).json()
    rest = (await http.get(f"{url}/versions?after=3", headers=mine)).json()
    assert [(each["version"], each["active"]) for each in versions["versions"]] == [
        (1, True),
        (2, True),
        (3, False),
    ]
    assert versions["next"] == 3
    assert ([each["version"] for each in rest["versions"]], rest["next"]) == ([4], None)
    first = await http.get(f"{url}/versions/1", headers=mine)
    assert first.json() == created.json()
    assert (await http.get(f"{url}/versions/5", headers=mine)).status_code == 404

    told = await read_changes(addresses, created.json()["sheet_id"], 4)
    assert [(each.version, each.active) for each in told] == [
        (1, True),
        (2, True),
        (3, False),
        (4, True),
    ]
    assert {(each.moa, each.number) for each in told} == {(moa, "2026-T-017")}
    assert [dict(each.delays) for each in told[:2]] == [{"etat_acompte": 10}, {"paiement": 45}]
    assert [each.structure for each in told[0].actors] == [TITULAIRE, MOE, moa]
    assert [each.code for each in told[0].lots] == ["1", "2"]

    trail = (await http.get(f"/structures/{moa}/audit", headers=mine)).json()["entries"]
    assert [each["act"] for each in trail][-4:] == [
        "fiche.creee",
        "fiche.remplacee",
        "fiche.retiree",
        "fiche.remplacee",
    ]
    assert trail[-3]["details"]["champs"] == ["title", "delays"]


async def test_a_number_has_one_sheet_of_a_structure_withdrawn_or_not(
    http: httpx.AsyncClient, moa: str
) -> None:
    created = (await create(http, moa, sheet(moa))).json()
    url = f"/structures/{moa}/sheets/{created['sheet_id']}"
    taken = await create(http, moa, sheet(moa, number=" 2026-t-017 "))
    other = await create(http, moa, sheet(moa, number="2026-T-018"))
    moved = await http.put(url, json=sheet(moa, number="2026-T-019"), headers=acting(moa))
    await http.delete(url, headers=acting(moa))
    withdrawn = await create(http, moa, sheet(moa))

    assert [taken.status_code, other.status_code] == [409, 201]
    assert get_codes(taken) == get_codes(withdrawn) == [("ORG-FICHE-03", "number")]
    assert created["sheet_id"] in taken.json()["detail"]
    assert (moved.status_code, get_codes(moved)) == (422, [("ORG-FICHE-04", "number")])

    listed = await http.get(f"/structures/{moa}/sheets", headers=acting(moa))
    found = await http.get(f"/structures/{moa}/sheets?number=2026-t-018", headers=acting(moa))
    page = await http.get(f"/structures/{moa}/sheets?limit=1", headers=acting(moa))
    rest = await http.get(
        f"/structures/{moa}/sheets?after={page.json()['next']}", headers=acting(moa)
    )
    assert [(each["number"], each["active"]) for each in listed.json()["sheets"]] == [
        ("2026-T-017", False),
        ("2026-T-018", True),
    ]
    assert [each["sheet_id"] for each in found.json()["sheets"]] == [other.json()["sheet_id"]]
    assert page.json()["sheets"] + rest.json()["sheets"] == listed.json()["sheets"]


async def test_a_creation_is_repeated_by_its_key(http: httpx.AsyncClient, moa: str) -> None:
    key = {"Idempotency-Key": "fiche-1"}
    first = await create(http, moa, sheet(moa), **key)
    again = await create(http, moa, sheet(moa), **key)
    other = await create(http, moa, sheet(moa, title="Autre"), **key)

    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert get_codes(other) == [("ORG-CLE-01", "Idempotency-Key")]


async def test_nobody_reads_or_changes_the_sheets_of_another_structure(
    http: httpx.AsyncClient, moa: str
) -> None:
    sheet_id = (await create(http, moa, sheet(moa))).json()["sheet_id"]
    await declare(http, TITULAIRE, "PRIVEE")
    theirs, url = acting(TITULAIRE), f"/structures/{moa}/sheets/{sheet_id}"

    answers = [
        await http.get(url, headers=theirs),
        await http.get(f"{url}/versions/1", headers=theirs),
        await http.put(url, json=sheet(moa), headers=theirs),
        await http.delete(url, headers=theirs),
        await http.post(f"/structures/{moa}/sheets", json=sheet(moa), headers=theirs),
    ]
    own = await http.get(f"/structures/{TITULAIRE}/sheets/{sheet_id}", headers=theirs)
    version = await http.get(
        f"/structures/{TITULAIRE}/sheets/{sheet_id}/versions/1", headers=theirs
    )

    assert [answer.status_code for answer in answers] == [403] * 5
    assert [own.status_code, version.status_code] == [404, 404]
    assert (await http.get(url, headers=operating())).status_code == 200


async def test_everything_that_is_wrong_is_named_by_field(
    http: httpx.AsyncClient, moa: str
) -> None:
    gone = "90000000300013"
    await declare(http, gone, "PRIVEE", status="INACTIF")
    body = sheet(
        moa,
        actors=[
            {"role": "moe", "structure": "90000000000000"},
            {"role": "cotraitant", "structure": gone},
            {"role": "moe", "structure": MOE, "lot": "9"},
            {"role": "sous_traitant", "structure": MOE, "valid_from": "2026-02-01",
             "valid_until": "2026-01-31"},
            {"role": "service_financier", "structure": MOE},
        ],
        lots=[{"code": "1"}, {"code": "1"}],
        delays={"inconnu": 3, "paiement": 366},
    )  # fmt: skip
    answer = await create(http, moa, body)

    assert answer.status_code == 422
    assert get_codes(answer) == [
        ("ORG-FICHE-06", "actors.0.structure"),
        ("ORG-FICHE-07", "actors.1.structure"),
        ("ORG-FICHE-12", "actors.2.lot"),
        ("ORG-FICHE-10", "actors.3.valid_until"),
        ("ORG-FICHE-08", "actors.4.structure"),
        ("ORG-FICHE-11", "actors.2"),
        ("ORG-FICHE-13", "lots.0.code"),
        ("ORG-FICHE-13", "lots.1.code"),
        ("ORG-FICHE-14", "delays.inconnu"),
        ("ORG-FICHE-15", "delays.paiement"),
    ]
    listed = await http.get(f"/structures/{moa}/sheets", headers=acting(moa))
    assert listed.json()["sheets"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": None}, "number"),
        ({"number": "x" * 101}, "number"),
        ({"title": "a\u202eb"}, "title"),
        ({"actors": [{"role": "moa", "structure": MOE}]}, "actors.0.role"),
        ({"actors": [{"role": "moe", "structure": MOE}] * 501}, "actors"),
        ({"lots": [{"code": str(each)} for each in range(201)]}, "lots"),
        ({"delays": {"paiement": "10"}}, "delays.paiement"),
        ({"required": ["siret"]}, "required.0"),
        ({"acteurs": []}, "acteurs"),
    ],
)
async def test_a_sheet_of_another_form_is_refused(
    http: httpx.AsyncClient, moa: str, changes: dict[str, Any], field: str
) -> None:
    answer = await create(http, moa, sheet(moa, **changes))

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["violations"]] == [field]


async def test_the_largest_sheet_fits_into_its_event(
    http: httpx.AsyncClient, addresses: Addresses, moa: str
) -> None:
    lots = [{"code": f"{each:03}" + "é" * 97, "title": "œ" * 200} for each in range(200)]
    actor = {"role": "cotraitant", "structure": MOE, "lot": lots[0]["code"]}
    dates = {"valid_from": "2026-01-01", "valid_until": "2027-12-31"}
    created = await create(http, moa, sheet(moa, actors=[actor | dates] * 500, lots=lots))

    assert created.status_code == 201, created.text[:500]
    (told,) = await read_changes(addresses, created.json()["sheet_id"], 1)
    assert (len(told.actors), len(told.lots)) == (500, 200)


@pytest.mark.parametrize(
    ("kind", "parameters", "status"),
    [
        ("PRIVEE", {}, "ACTIF"),
        ("PUBLIQUE", {"moa": "sans"}, "ACTIF"),
        ("PUBLIQUE", {"moa": "avec"}, "INACTIF"),
    ],
)
async def test_a_sheet_is_of_an_active_public_moa(
    http: httpx.AsyncClient,
    moa: str,
    kind: str,
    parameters: dict[str, str],
    status: str,
) -> None:
    start = f"{int(moa[:9]) + 400_000_000}0000"
    other = next(f"{start}{key}" for key in range(10) if is_siret(f"{start}{key}"))
    await declare(http, other, kind, parameters=parameters, status=status)

    url, body = f"/structures/{other}/sheets", {"number": "1"}
    answer = await http.post(url, json=body, headers=operating())

    assert (answer.status_code, get_codes(answer)) == (422, [("ORG-FICHE-01", "structure_id")])


def upload(content: bytes) -> dict[str, Any]:
    return {"file": ("fiche.xlsx", content, "application/octet-stream")}


def edit(content: bytes, sheet: str, cell: str, value: object) -> bytes:
    """Fill in one cell of a form, as a spreadsheet does."""
    workbook, file = load_workbook(BytesIO(content)), BytesIO()
    workbook[sheet][cell] = value
    workbook.save(file)
    return file.getvalue()


async def test_a_form_is_downloaded_filled_in_and_sent(
    http: httpx.AsyncClient, addresses: Addresses, moa: str
) -> None:
    url, mine = f"/structures/{moa}/sheets", acting(moa)
    blank = await http.get(f"{url}/xlsx", headers=mine)
    assert blank.status_code == 200
    assert "fiche-marche.xlsx" in blank.headers["Content-Disposition"]
    filled = edit(blank.content, "Marché", "B1", "2026-T-017")
    filled = edit(edit(filled, "Acteurs", "A2", "maîtrise d'œuvre"), "Acteurs", "B2", int(MOE))

    key = {"Idempotency-Key": "classeur-1"}
    created = await http.post(f"{url}/xlsx", files=upload(filled), headers=mine | key)
    again = await http.post(f"{url}/xlsx", files=upload(filled), headers=mine | key)
    assert (created.status_code, created.headers["ETag"]) == (201, '"1"')
    assert again.json() == created.json()
    assert [each["structure"] for each in created.json()["sheet"]["actors"]] == [MOE]

    sheet_url = f"{url}/{created.json()['sheet_id']}"
    await http.put(sheet_url, json=sheet(moa), headers=mine)
    exported = await http.get(f"{sheet_url}/xlsx", headers=mine)
    same = await http.put(f"{sheet_url}/xlsx", files=upload(exported.content), headers=mine)
    assert (exported.headers["ETag"], same.headers["ETag"]) == ('"2"', '"2"')
    assert same.json()["sheet"] == sheet(moa)

    changed = edit(exported.content, "Délais", "C3", 12)
    replaced = await http.put(
        f"{sheet_url}/xlsx", files=upload(changed), headers=mine | {"If-Match": '"2"'}
    )
    stale = await http.put(
        f"{sheet_url}/xlsx", files=upload(exported.content), headers=mine | {"If-Match": '"2"'}
    )
    assert replaced.json()["sheet"]["delays"] == {"etat_acompte": 12}
    assert stale.status_code == 412
    told = await read_changes(addresses, created.json()["sheet_id"], 3)
    assert [dict(each.delays) for each in told] == [{}, {"etat_acompte": 10}, {"etat_acompte": 12}]


async def test_what_a_form_says_wrongly_is_named_by_its_place(
    http: httpx.AsyncClient, moa: str
) -> None:
    url, mine = f"/structures/{moa}/sheets/xlsx", acting(moa)
    blank = (await http.get(url, headers=mine)).content
    numbered = edit(blank, "Marché", "B1", "2026-T-017")
    unknown = edit(edit(numbered, "Acteurs", "A4", "titulaire"), "Acteurs", "B4", "90000000000000")
    formula = edit(numbered, "Acteurs", "B2", "=1+1")
    long = edit(numbered, "Marché", "B2", "x" * 201)
    lines = edit(numbered, "Lots", "A100000", "1")

    answers = [
        await http.post(url, files=upload(each), headers=mine)
        for each in (blank, unknown, formula, long, lines, b"nothing")
    ]
    large = await http.post(url, files=upload(b"0" * (5 * 2**20 + 1)), headers=mine)

    assert [get_codes(each) for each in [*answers, large]] == [
        [("HTTP-FORM-01", "number")],
        [("ORG-FICHE-06", "actors.0.structure")],
        [("ORG-TABLEUR-04", "file")],
        [("HTTP-FORM-01", "title")],
        [("ORG-TABLEUR-03", "file")],
        [("ORG-TABLEUR-01", "file")],
        [("ORG-TABLEUR-02", "file")],
    ]
    assert {each.status_code for each in answers} == {422}
    assert large.status_code == 413
    messages = [each.json()["violations"][0]["message"] for each in answers]
    assert messages[1].startswith("Feuille « Acteurs », ligne 4 : ")
    assert "Acteurs!B2" in messages[2]
    assert messages[3] == "Feuille « Marché » : Ce texte dépasse 200 caractères."
    listed = await http.get(f"/structures/{moa}/sheets", headers=mine)
    assert listed.json()["sheets"] == []
