"""Structures over HTTP, and what is told of them on their topic."""

import asyncio
from typing import Any

import httpx
import pytest

from deploy.local import Addresses
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import StructureChanged
from shared.contracts.topics import STRUCTURE
from tests.kit.access import get_access
from tests.kit.topics import read_until


def acting(structure: str, **more: str) -> dict[str, str]:
    """Act as the main manager of a structure, whose token proves its SIRET."""
    return get_access().headers(structure, "moa", **more)


def operating(**more: str) -> dict[str, str]:
    return get_access().operator_headers(**more)


def declaration(siret: str, **changes: object) -> dict[str, Any]:
    return {
        "identifier_type": "SIRET",
        "identifier": siret,
        "name": "Métropole de Lumière",
        "kind": "PUBLIQUE",
        "parameters": {"moa": "avec"},
        "services": [{"code": "VOIRIE 1", "name": "Voirie"}],
        **changes,
    }


async def put(
    http: httpx.AsyncClient, structure: str, body: dict[str, Any], **headers: str
) -> httpx.Response:
    headers = acting(structure) | headers
    return await http.put(f"/structures/{structure}", json=body, headers=headers)


async def rewrite(
    http: httpx.AsyncClient, structure: str, body: dict[str, Any], **headers: str
) -> httpx.Response:
    """Create or change a structure as an operator, who may change all of it."""
    url = f"/structures/{structure}"
    return await http.put(url, json=body, headers=operating(**headers))


async def read_changes(addresses: Addresses, structure: str, number: int) -> list[StructureChanged]:
    """Read the topic until `number` events of a structure have come."""
    values = await read_until(
        addresses.kafka, STRUCTURE, lambda record: record.key.decode() == structure, number
    )
    events = [Event[StructureChanged].model_validate_json(value) for value in values]
    assert {(each.subject, each.dossierid, each.sequence) for each in events} == {
        (structure, None, None)
    }
    return [each.data for each in events]


async def test_a_structure_registers_itself_and_is_read_back(
    http: httpx.AsyncClient, siret: str
) -> None:
    created = await put(http, siret, declaration(siret))
    read = await http.get(f"/structures/{siret}", headers=acting("somebody"))

    assert (created.status_code, read.status_code) == (201, 200)
    assert created.headers["ETag"] == read.headers["ETag"] == '"1"'
    assert created.json() == read.json()
    assert read.json()["structure_id"] == siret
    assert read.json()["parameters"] == {
        "moa": "avec",
        "code_service_obligatoire": False,
        "numero_engagement_obligatoire": False,
        "engagement_ou_service": False,
        "mise_en_paiement_non_remontee": False,
        "recoit_via_edi": False,
    }


async def test_every_change_is_told_once_with_consecutive_versions(
    http: httpx.AsyncClient, addresses: Addresses, siret: str
) -> None:
    url, mine = f"/structures/{siret}", acting(siret)
    same = [await put(http, siret, declaration(siret)) for _ in range(2)]
    patched = await http.patch(f"{url}/parameters", json={"moa": "exclusivement"}, headers=mine)
    service = await http.put(
        f"{url}/services/École 2", json={"name": "Écoles", "active": False}, headers=mine
    )

    assert [answer.status_code for answer in same] == [201, 200]
    assert [answer.headers["ETag"] for answer in [*same, patched, service]] == [
        '"1"',
        '"1"',
        '"2"',
        '"3"',
    ]
    events = await read_changes(addresses, siret, 3)
    assert [event.version for event in events] == [1, 2, 3]
    assert [event.parameters.est_moa_uniquement for event in events] == [False, True, True]
    assert all(event.parameters.est_moa for event in events)
    assert [(each.code, each.active) for each in events[-1].services] == [
        ("VOIRIE 1", True),
        ("École 2", False),
    ]


async def test_what_a_change_leaves_out_stays_as_it_is(http: httpx.AsyncClient, siret: str) -> None:
    services = [{"code": "A", "name": "A", "active": False}, {"code": "B", "name": "B"}]
    whole = declaration(siret, status="INACTIF", services=services)
    created = (await rewrite(http, siret, whole)).json()
    required = ("identifier_type", "identifier", "kind")
    renamed = await rewrite(
        http, siret, {"name": "Autre", **{each: whole[each] for each in required}}
    )
    service = await http.put(
        f"/structures/{siret}/services/A", json={"name": "Z"}, headers=operating()
    )

    assert renamed.json() == {**created, "name": "Autre", "version": 2}
    assert [(each["name"], each["active"]) for each in service.json()["services"]] == [
        ("Z", False),
        ("B", True),
    ]


async def test_a_change_of_what_was_read_before_another_change_is_refused(
    http: httpx.AsyncClient, siret: str
) -> None:
    read = (await put(http, siret, declaration(siret))).headers["ETag"]
    renamed = declaration(siret, name="Métropole")
    first = await rewrite(http, siret, renamed, **{"If-Match": read})
    second = await rewrite(http, siret, declaration(siret), **{"If-Match": read})
    absent = await rewrite(http, siret[:-1], declaration(siret), **{"If-Match": "*"})

    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    assert (second.status_code, second.json()["code"]) == (412, "ORG-VERSION-01")
    assert absent.status_code == 412


async def test_of_changes_that_race_each_gets_its_version(
    http: httpx.AsyncClient, addresses: Addresses, siret: str
) -> None:
    names = [f"Nom {rank}" for rank in range(8)]
    answers = await asyncio.gather(
        *(rewrite(http, siret, declaration(siret, name=name)) for name in names)
    )

    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 9))
    assert [answer.status_code for answer in answers].count(201) == 1
    events = await read_changes(addresses, siret, 8)
    assert [event.version for event in events] == list(range(1, 9))
    assert {event.name for event in events} == set(names)


async def test_of_changes_that_race_from_one_version_one_is_kept(
    http: httpx.AsyncClient, siret: str
) -> None:
    read = (await put(http, siret, declaration(siret))).headers["ETag"]
    answers = await asyncio.gather(
        *(
            put(http, siret, declaration(siret, email=f"a{rank}@v.example"), **{"If-Match": read})
            for rank in range(6)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]


async def test_all_that_is_wrong_is_named_by_field(http: httpx.AsyncClient, siret: str) -> None:
    body = declaration(siret, name=" ", kind="PRIVEE", services=[{"code": "a/b", "name": "x"}])

    refused = await put(http, siret, body)

    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert {(each["code"], each["field"]) for each in refused.json()["violations"]} == {
        ("ORG-NOM-01", "name"),
        ("ORG-PARAMETRE-01", "parameters.moa"),
        ("ORG-SERVICE-01", "services.0.code"),
    }
    assert (await http.get(f"/structures/{siret}", headers=acting(siret))).status_code == 404


async def test_a_structure_is_changed_by_nobody_else(http: httpx.AsyncClient, siret: str) -> None:
    await put(http, siret, declaration(siret))
    other, url = acting("35600000000048"), f"/structures/{siret}"
    answers = [
        await http.put(url, json=declaration(siret, name="Mien"), headers=other),
        await http.patch(f"{url}/parameters", json={"moa": "sans"}, headers=other),
        await http.put(f"{url}/services/A", json={"name": "A"}, headers=other),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (403, "ORG-DROIT-03"),
        (403, "HTTP-DROIT-01"),
        (403, "HTTP-DROIT-01"),
    ]
    assert (await http.get(url)).status_code == 401


async def test_what_is_not_there_takes_no_parameter(http: httpx.AsyncClient, siret: str) -> None:
    answer = await http.patch(f"/structures/{siret}/parameters", json={}, headers=acting(siret))

    assert answer.status_code == 404


async def test_structures_are_found_by_words_without_accents_page_by_page(
    http: httpx.AsyncClient,
) -> None:
    ids = [f"PARTICULIER-Zoé {rank}" for rank in range(3)]
    for structure in ids:
        body = declaration(
            structure.partition("-")[2],
            identifier_type="PARTICULIER",
            name="Hélène ZÉPHYR (x",
            kind="PRIVEE",
            parameters={},
        )
        assert (await rewrite(http, structure, body)).status_code == 201

    async def page(**query: str | int) -> dict[str, Any]:
        params: dict[str, str | int] = {"query": "zephyr (", "kind": "PRIVEE", "limit": 2, **query}
        answer = await http.get("/structures", params=params, headers=acting("x"))
        found: dict[str, Any] = answer.json()
        return found

    first = await page()
    last = await page(after=first["next"])
    assert [each["structure_id"] for each in first["structures"]] == ids[:2]
    assert ([each["structure_id"] for each in last["structures"]], last["next"]) == (ids[2:], None)
    assert (await page(query="zoe 1"))["structures"][0]["structure_id"] == ids[1]
    assert (await page(kind="PUBLIQUE"))["structures"] == []


@pytest.mark.parametrize(
    "name", ["Ville\u202ede Lyon", "Ville\nde Lyon", "a\0b", "a" + "\u0301" * 40]
)
async def test_a_name_that_no_screen_shows_is_refused(
    http: httpx.AsyncClient, siret: str, name: str
) -> None:
    services = [{"code": "VOIRIE", "name": name}]

    for body, field in (
        (declaration(siret, name=name), "name"),
        (declaration(siret, services=services), "services.0.name"),
        (declaration(siret) | {name: 1}, None),
    ):
        refused = await put(http, siret, body)

        assert refused.status_code == 422, refused.text
        if field:
            (found,) = refused.json()["violations"]
            assert (found["code"], found["field"]) == ("CIR-CHAMP-05", field)


@pytest.mark.parametrize("name", ["\u200b", "…", "\u0301"])
async def test_a_name_without_a_letter_or_a_digit_is_none(
    http: httpx.AsyncClient, siret: str, name: str
) -> None:
    refused = await put(http, siret, declaration(siret, name=name))

    assert [each["code"] for each in refused.json()["violations"]] == ["ORG-NOM-01"]


async def test_names_and_codes_are_composed_and_found_in_either_form(
    http: httpx.AsyncClient, siret: str
) -> None:
    services = [{"code": "Re\u0301gie", "name": "Re\u0301gie\u200b"}]

    kept = await put(http, siret, declaration(siret, name=f"Metz {siret}\u200b", services=services))
    changed = await http.put(
        f"/structures/{siret}/services/Re%CC%81gie", json={"name": "Autre"}, headers=acting(siret)
    )

    assert kept.json()["name"] == f"Metz {siret}"
    assert kept.json()["services"][0]["code"] == kept.json()["services"][0]["name"] == "Régie"
    assert [each["name"] for each in changed.json()["services"]] == ["Autre"]


@pytest.mark.parametrize(
    "query", ["\ufdfa" * 56, "\ufdfa" * 100, "a" + "\u0315\u0300" * 400, "a\0"]
)
async def test_a_query_is_bounded_by_what_it_becomes(
    http: httpx.AsyncClient, siret: str, query: str
) -> None:
    await put(http, siret, declaration(siret))

    refused = await http.get("/structures", params={"query": query}, headers=acting(siret))

    assert refused.status_code == 422, refused.text
    assert [each["field"] for each in refused.json()["violations"]] == ["query"]


async def test_a_query_may_grow_a_little_when_it_is_folded(
    http: httpx.AsyncClient, siret: str
) -> None:
    assert (await put(http, siret, declaration(siret, name="ß" * 50))).status_code == 201
    found = await http.get("/structures", params={"query": "ß" * 50}, headers=acting(siret))
    assert [each["structure_id"] for each in found.json()["structures"]] == [siret]


@pytest.mark.parametrize("body", [rb'{"\ud800": 1}', rb'{"name": "\ud800"}', rb'"\udfff"'])
async def test_an_unpaired_surrogate_is_refused_wherever_it_is(
    http: httpx.AsyncClient, siret: str, body: bytes
) -> None:
    headers = acting(siret) | {"Content-Type": "application/json"}

    refused = await http.put(f"/structures/{siret}", content=body, headers=headers)

    assert refused.status_code == 422, refused.text


async def test_services_that_no_event_would_hold_are_refused_and_the_others_still_travel(
    http: httpx.AsyncClient, addresses: Addresses, siret: str
) -> None:
    services = [{"code": f"S{rank}", "name": "x" * 150} for rank in range(5000)]

    refused = await put(http, siret, declaration(siret, services=services))
    kept = await put(http, siret, declaration(siret, services=services[:3500]))

    assert (refused.status_code, kept.status_code) == (422, 201)
    (violation,) = refused.json()["violations"]
    assert (violation["code"], violation["field"]) == ("ORG-SERVICE-03", "services")
    (event,) = await read_changes(addresses, siret, 1)
    assert len(event.services) == 3500


async def test_a_structure_is_created_by_who_proves_its_siret_and_by_nobody_else(
    http: httpx.AsyncClient, siret: str
) -> None:
    stranger = acting("35600000000048")
    url, body = f"/structures/{siret}", declaration(siret)

    refused = await http.put(url, json=body, headers=stranger)
    unsigned = await http.put(url, json=body)
    created = await put(http, siret, body)
    private = declaration("Zoé B", identifier_type="PARTICULIER", kind="PRIVEE", parameters={})
    unproven = await put(http, "PARTICULIER-Zoé B", private)

    assert (refused.status_code, refused.json()["code"]) == (403, "ORG-DROIT-04")
    assert unsigned.status_code == 401
    assert created.status_code == 201
    assert (unproven.status_code, unproven.json()["code"]) == (403, "ORG-DROIT-04")


async def test_a_manager_changes_what_an_operator_does_not_keep_to_itself(
    http: httpx.AsyncClient, siret: str
) -> None:
    url, body = f"/structures/{siret}", declaration(siret)
    await put(http, siret, body)
    address = {"street": "12 rue Neuve", "postal_code": "59000", "city": "Lille"}

    own = await put(http, siret, {**body, "address": address, "email": "contact@ville.example"})
    refused = [
        await put(http, siret, {**body, **changes})
        for changes in ({"name": "Autre"}, {"status": "INACTIF"}, {"kind": "PRIVEE"})
    ]
    forbidden = await http.patch(f"{url}/identity", json={"name": "Autre"}, headers=acting(siret))
    renamed = await http.patch(
        f"{url}/identity", json={"name": "Autre"}, headers=operating(**{"If-Match": '"2"'})
    )
    stale = await http.patch(
        f"{url}/identity", json={"status": "INACTIF"}, headers=operating(**{"If-Match": '"2"'})
    )

    assert (own.status_code, own.json()["address"]["city"]) == (200, "Lille")
    assert own.json()["email"] == "contact@ville.example"
    assert [(each.status_code, each.json()["code"]) for each in refused] == [
        (403, "ORG-DROIT-02"),
        (403, "ORG-DROIT-02"),
        (403, "ORG-TYPE-01"),
    ]
    assert forbidden.status_code == 403
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Autre")
    assert (stale.status_code, stale.json()["code"]) == (412, "ORG-VERSION-01")


async def test_pipes_decide_what_is_received_by_edi(
    http: httpx.AsyncClient, addresses: Addresses, siret: str
) -> None:
    pipes, body = f"/structures/{siret}/pipes", declaration(siret)
    await put(http, siret, body)

    opened = await http.put(f"{pipes}/travaux", headers=acting(siret))
    again = await http.put(f"{pipes}/travaux", headers=acting(siret))
    denied = await put(http, siret, {**body, "parameters": {"recoit_via_edi": False}})
    other = await http.put(f"{pipes}/travaux", headers=acting("35600000000048"))
    unknown = await http.put(f"{pipes}/tuyau", headers=acting(siret))
    closed = await http.delete(f"{pipes}/travaux", headers=operating())

    assert [each.headers["ETag"] for each in (opened, again, closed)] == ['"2"', '"2"', '"3"']
    assert (opened.json()["pipes"], opened.json()["parameters"]["recoit_via_edi"]) == (
        ["travaux"],
        True,
    )
    assert (denied.status_code, denied.json()["code"]) == (422, "ORG-CANAL-01")
    assert (other.status_code, other.json()["code"]) == (403, "HTTP-DROIT-01")
    assert unknown.status_code == 422
    assert (closed.json()["pipes"], closed.json()["parameters"]["recoit_via_edi"]) == ([], False)
    events = await read_changes(addresses, siret, 3)
    assert [(each.pipes, each.parameters.recoit_via_edi) for each in events] == [
        ((), False),
        (("travaux",), True),
        ((), False),
    ]


async def test_the_validity_of_a_service_is_told_and_removed_by_null(
    http: httpx.AsyncClient, addresses: Addresses, siret: str
) -> None:
    url = f"/structures/{siret}/services/VOIRIE 1"
    await put(http, siret, declaration(siret))
    dated = {"name": "Voirie", "valid_from": "2026-01-01", "valid_until": "2026-12-31"}

    first = await http.put(url, json=dated, headers=acting(siret))
    kept = await http.put(url, json={"name": "Voiries"}, headers=acting(siret))
    opened = await http.put(
        url, json={"name": "Voiries", "valid_until": None}, headers=acting(siret)
    )
    wrong = await http.put(
        url, json={"name": "Voiries", "valid_until": "2025-12-31"}, headers=acting(siret)
    )

    assert [each.status_code for each in (first, kept, opened)] == [200] * 3
    assert (wrong.status_code, wrong.json()["code"]) == (422, "ORG-SERVICE-04")
    events = await read_changes(addresses, siret, 4)
    assert [
        (str(each.services[0].valid_from), str(each.services[0].valid_until)) for each in events
    ] == [
        ("None", "None"),
        ("2026-01-01", "2026-12-31"),
        ("2026-01-01", "2026-12-31"),
        ("2026-01-01", "None"),
    ]
