"""Mandates over HTTP: given, changed, closed, published, refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from deploy.local import Addresses
from services.organisation.__main__ import app
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import MandateChanged
from shared.contracts.public_paths import build_public_prefix
from shared.contracts.topics import MANDAT
from shared.runtime.clock import build_clock
from shared.vocabulary.dates import find_paris_day
from tests.integration.organisation.people import Signed
from tests.kit.access import get_access, run_services
from tests.kit.topics import read_until
from tests.kit.waiting import scale_timeout

PDF = b"%PDF-1.7 mandat"
MAIRIE, SPL, SEM, TRESOR = "90000000100017", "90000000300013", "90000000400011", "90000000500018"
PRIVEE, SANS, SEULE = "90000000600016", "90000000700014", "90000000800012"
VALLON = "90000000900010"
TODAY = find_paris_day(build_clock()())


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    """Two replicas at the level from which mandates are written."""
    env = {"AIGUILLAGE_WRITE_LEVEL": "2"}
    with run_services("services.organisation", replicas=2, env=env) as platform:
        yield platform.addresses


@pytest.fixture(scope="module")
async def http(addresses: Addresses) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=addresses.services["organisation"], timeout=scale_timeout(30)
    ) as client:
        for siret, kind, moa in (
            (MAIRIE, "PUBLIQUE", "avec"),
            (SPL, "PUBLIQUE", "avec"),
            (SEM, "PUBLIQUE", "avec"),
            (TRESOR, "PUBLIQUE", "sans"),
            (PRIVEE, "PRIVEE", "sans"),
            (SANS, "PUBLIQUE", "sans"),
            (SEULE, "PUBLIQUE", "exclusivement"),
        ):
            declared = {
                "identifier_type": "SIRET",
                "identifier": siret,
                "name": f"Structure {siret}",
                "kind": kind,
                "parameters": {"moa": moa},
            }
            answer = await client.put(
                f"/structures/{siret}", json=declared, headers=get_access().operator_headers()
            )
            assert answer.status_code == 201, answer.text
        declared |= {"identifier": VALLON, "parameters": {"moa": "avec"}}
        founder = Signed(client, get_access(), "maire@exemple.fr", siret=VALLON)
        await founder.do("PUT", f"/structures/{VALLON}", json=declared)
        yield client


@pytest.fixture
async def _free(http: httpx.AsyncClient) -> None:
    """Close what earlier tests have left, so that nothing overlaps."""
    for mandant in (MAIRIE, SEULE):
        for each in (await call(http, "GET", mandant)).json()["mandates"]:
            answer = await call(http, "DELETE", mandant, each["mandate_id"])
            assert answer.status_code == 200, answer.text


pytestmark = pytest.mark.usefixtures("_free")


async def run_command(addresses: Addresses, *arguments: str) -> Result:
    """Run a command as an operator does; it has an event loop of its own."""
    environment = {"AIGUILLAGE_MONGO": addresses.mongo, "AIGUILLAGE_WRITE_LEVEL": "2"}
    invoke = CliRunner().invoke
    return await asyncio.to_thread(lambda: invoke(app, list(arguments), env=environment))


async def call(
    http: httpx.AsyncClient,
    method: str,
    structure: str,
    path: str = "",
    body: object = None,
    *,
    acting: str | None = None,
    **headers: str,
) -> httpx.Response:
    """Call a route of a structure's mandates, in the name of its manager or of another's."""
    url = f"/structures/{structure}/mandates" + (f"/{path}" if path else "")
    given = get_access().headers(acting or structure, "moa", **headers)
    return await http.request(method, url, json=body, headers=given)


async def give(
    http: httpx.AsyncClient,
    mandant: str = MAIRIE,
    delegate: str = SPL,
    *,
    file: tuple[str, bytes] = ("mandat.pdf", PDF),
    key: str = "",
    **fields: Any,  # noqa: ANN401 - fields of a form
) -> httpx.Response:
    """Give a mandate of a year from today on."""
    form = {
        "delegate": delegate,
        "valid_from": TODAY.isoformat(),
        "valid_until": (TODAY + timedelta(days=365)).isoformat(),
        **fields,
    }
    headers = get_access().headers(mandant, "moa") | ({"Idempotency-Key": key} if key else {})
    return await http.post(
        f"/structures/{mandant}/mandates", data=form, files={"file": file}, headers=headers
    )


async def give_one(http: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    answer = await give(http, **fields)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def read_states(addresses: Addresses, mandate: str, number: int) -> list[MandateChanged]:
    values = await read_until(
        addresses.kafka, MANDAT, lambda record: record.key.decode() == mandate, number
    )
    return [Event[MandateChanged].model_validate_json(each).data for each in values]


def problem(answer: httpx.Response) -> tuple[int, list[tuple[str, str]]]:
    """Read the status, and the code and the field of each violation."""
    return answer.status_code, [
        (each["code"], each["field"]) for each in answer.json()["violations"]
    ]


async def test_a_mandate_is_given_changed_closed_and_published(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    given = await give_one(http, contracts=["2026-T-017", " 2026-T-018 "], payer=TRESOR)
    mandate, later = given["mandate_id"], (TODAY + timedelta(days=700)).isoformat()

    changed = await call(
        http, "PATCH", MAIRIE, mandate, {"valid_until": later}, **{"If-Match": '"1"'}
    )
    closed = await call(http, "DELETE", MAIRIE, mandate, **{"If-Match": changed.headers["ETag"]})

    assert changed.status_code == closed.status_code == 200, (changed.text, closed.text)
    assert (given["payer"], given["contracts"]) == (TRESOR, ["2026-T-017", "2026-T-018"])
    assert (changed.json()["valid_until"], changed.json()["version"]) == (later, 2)
    assert (closed.json()["closed_on"], closed.headers["ETag"]) == (TODAY.isoformat(), '"3"')
    states = await read_states(addresses, mandate, 3)
    assert [(each.version, each.valid_until, each.closed_on) for each in states] == [
        (1, TODAY + timedelta(days=365), None),
        (2, date.fromisoformat(later), None),
        (3, date.fromisoformat(later), TODAY),
    ]
    assert {(each.mandant, each.delegate, each.payer) for each in states} == {(MAIRIE, SPL, TRESOR)}
    assert states[0].contracts == ("2026-T-017", "2026-T-018")


async def test_each_party_reads_the_mandate_and_its_file_and_nobody_else(
    http: httpx.AsyncClient,
) -> None:
    mandate = (await give_one(http, payer=TRESOR))["mandate_id"]

    for party in (MAIRIE, SPL, TRESOR):
        listed = (await call(http, "GET", party)).json()["mandates"]
        assert mandate in [each["mandate_id"] for each in listed]
        assert (await call(http, "GET", party, mandate)).json()["mandate_id"] == mandate
        file = await call(http, "GET", party, f"{mandate}/file")
        assert (file.content, file.headers["Content-Type"]) == (PDF, "application/pdf")
        assert 'filename="mandat.pdf"' in file.headers["Content-Disposition"]
    for path in (mandate, f"{mandate}/file"):
        assert (await call(http, "GET", SEM, path)).status_code == 404
    refused = await call(http, "GET", MAIRIE, acting=SEM)
    assert (refused.status_code, refused.json()["code"]) == (403, "HTTP-DROIT-01")


async def test_a_page_says_which_comes_next(http: httpx.AsyncClient) -> None:
    first = await give_one(http, contracts=["1"])
    second = await give_one(http, contracts=["2"])

    url = f"/structures/{MAIRIE}/mandates"
    headers = get_access().headers(MAIRIE, "moa")
    last = await http.get(url, params={"after": first["mandate_id"]}, headers=headers)
    cut = await http.get(url, params={"limit": 1}, headers=headers)

    assert last.json()["next"] is None
    assert [each["mandate_id"] for each in last.json()["mandates"]] == [second["mandate_id"]]
    assert cut.json()["next"] == cut.json()["mandates"][0]["mandate_id"]


async def test_a_private_delegate_is_sent_to_the_technical_desk(http: httpx.AsyncClient) -> None:
    answer = await give(http, delegate=PRIVEE)

    assert problem(answer) == (422, [("ORG-MANDAT-02", "delegate")])
    assert "ticket au support technique" in answer.json()["violations"][0]["remedy"]


@pytest.mark.parametrize(
    ("mandant", "fields", "status", "expected"),
    [
        (PRIVEE, {}, 422, [("ORG-MANDAT-02", "structure_id")]),
        (SANS, {}, 422, [("ORG-MANDAT-03", "structure_id")]),
        (SEULE, {}, 422, [("ORG-MANDAT-05", "payer")]),
        (MAIRIE, {"delegate": MAIRIE}, 422, [("ORG-MANDAT-04", "delegate")]),
        (MAIRIE, {"delegate": "90000000200015"}, 422, [("ORG-MANDAT-01", "delegate")]),
        (MAIRIE, {"payer": PRIVEE}, 422, [("ORG-MANDAT-02", "payer")]),
        (MAIRIE, {"valid_until": "2020-01-01"}, 422, [("ORG-MANDAT-06", "valid_until")]),
        (MAIRIE, {"contracts": ["2026-T-017", " "]}, 422, [("ORG-MANDAT-07", "contracts")]),
        (MAIRIE, {"file": ("mandat.pdf", b"")}, 422, [("ORG-MANDAT-13", "file")]),
        (MAIRIE, {"file": ("mandat.exe", b"MZ")}, 422, [("ORG-JUSTIFICATIF-05", "file")]),
    ],
)
async def test_a_wrong_mandate_is_refused_by_field(
    http: httpx.AsyncClient,
    mandant: str,
    fields: dict[str, Any],
    status: int,
    expected: list[tuple[str, str]],
) -> None:
    assert problem(await give(http, mandant, **fields)) == (status, expected)


async def test_a_mandant_only_moa_names_who_pays(http: httpx.AsyncClient) -> None:
    assert (await give_one(http, mandant=SEULE, payer=TRESOR))["payer"] == TRESOR


async def test_overlapping_mandates_are_refused_whoever_receives_them(
    http: httpx.AsyncClient,
) -> None:
    first = await give_one(http, contracts=["2026-T-017"])

    overlapping = await give(http, delegate=SEM)
    beside = await give_one(http, delegate=SEM, contracts=["2026-T-018"])
    widened = await call(http, "PATCH", MAIRIE, beside["mandate_id"], {"contracts": None})
    await call(http, "DELETE", MAIRIE, first["mandate_id"])
    now = await call(http, "PATCH", MAIRIE, beside["mandate_id"], {"contracts": None})

    expected = (409, [("ORG-MANDAT-09", "valid_from")])
    assert (problem(overlapping), problem(widened)) == (expected, expected)
    assert first["mandate_id"] in overlapping.json()["violations"][0]["message"]
    assert (now.status_code, now.json()["contracts"]) == (200, None)


async def test_of_overlapping_mandates_at_two_replicas_at_once_one_is_taken(
    addresses: Addresses, http: httpx.AsyncClient
) -> None:
    second = addresses.replicas["organisation"][1] + build_public_prefix("organisation")
    async with httpx.AsyncClient(base_url=second, timeout=scale_timeout(30)) as other:
        answers = await asyncio.gather(
            *(give(client, delegate=each) for each in (SPL, SEM) for client in (http, other))
        )

    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    open_ones = [
        each
        for each in (await call(http, "GET", MAIRIE)).json()["mandates"]
        if each["closed_on"] is None
    ]
    assert len(open_ones) == 1


async def test_only_the_mandant_changes_a_mandate_and_the_delegate_may_close_it(
    http: httpx.AsyncClient,
) -> None:
    mandate = (await give_one(http, payer=TRESOR))["mandate_id"]
    body = {"valid_until": TODAY.isoformat()}

    changed = await call(http, "PATCH", SPL, mandate, body)
    paid = await call(http, "DELETE", TRESOR, mandate)
    other = await call(http, "DELETE", SEM, mandate)
    closed = await call(http, "DELETE", SPL, mandate)
    again = await call(http, "DELETE", MAIRIE, mandate, **{"If-Match": '"1"'})
    late = await call(http, "PATCH", MAIRIE, mandate, body)

    refused = (403, "ORG-MANDAT-12")
    assert {(each.status_code, each.json()["code"]) for each in (changed, paid)} == {refused}
    assert other.status_code == 404
    assert (closed.status_code, again.status_code) == (200, 200)
    assert closed.json() == again.json()
    assert problem(late) == (409, [("ORG-MANDAT-11", "mandate_id")])


async def test_a_stale_version_is_refused_and_a_repeat_is_not(http: httpx.AsyncClient) -> None:
    mandate = (await give_one(http))["mandate_id"]
    body = {"valid_until": (TODAY + timedelta(days=30)).isoformat()}

    changed = await call(http, "PATCH", MAIRIE, mandate, body, **{"If-Match": '"1"'})
    repeated = await call(http, "PATCH", MAIRIE, mandate, body, **{"If-Match": '"1"'})
    stale = await call(http, "PATCH", MAIRIE, mandate, {"contracts": ["9"]}, **{"If-Match": '"1"'})
    unclosed = await call(http, "DELETE", MAIRIE, mandate, **{"If-Match": '"1"'})

    assert changed.json() == repeated.json()
    expected = (412, [("ORG-MANDAT-10", "If-Match")])
    assert (problem(stale), problem(unclosed)) == (expected, expected)


async def test_a_change_is_judged_as_a_new_mandate(http: httpx.AsyncClient) -> None:
    mandate = (await give_one(http))["mandate_id"]

    reversed_days = await call(http, "PATCH", MAIRIE, mandate, {"valid_until": "2020-01-01"})
    no_day = await call(http, "PATCH", MAIRIE, mandate, {"valid_until": None})

    assert problem(reversed_days) == (422, [("ORG-MANDAT-06", "valid_until")])
    assert no_day.status_code == 422


async def test_a_repeated_request_gives_one_mandate(http: httpx.AsyncClient) -> None:
    first = await give(http, key="mandat-1")
    again = await give(http, key="mandat-1")
    other = await give(http, key="mandat-1", delegate=SEM)

    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert problem(other) == (422, [("ORG-CLE-01", "Idempotency-Key")])


async def test_both_structures_read_in_their_trail_who_did_what(http: httpx.AsyncClient) -> None:
    mandate = (await give_one(http, contracts=["2026-T-017"]))["mandate_id"]
    await call(http, "DELETE", SPL, mandate)

    for party in (MAIRIE, SPL):
        answer = await http.get(
            f"/structures/{party}/audit?limit=200", headers=get_access().headers(party, "moa")
        )
        told = [
            (each["act"], each["details"]["marches"])
            for each in answer.json()["entries"]
            if each["details"].get("mandat") == mandate
        ]
        assert told == [("mandat.donne", ["2026-T-017"]), ("mandat.clos", ["2026-T-017"])]


async def test_who_gave_a_mandate_is_erased_and_the_mandate_stays(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    kit, email = get_access(), "deleguant@exemple.fr"
    newcomer = await Signed(http, kit, email).do("POST", f"/structures/{VALLON}/attachments")
    chief = Signed(http, kit, "maire@exemple.fr", VALLON, VALLON)
    decision = {"decision": "approuver", "manager": "secondaire"}
    await chief.do(
        "POST", f"/structures/{VALLON}/attachments/{newcomer['user_id']}/decision", json=decision
    )
    form = {"delegate": SPL, "valid_from": "2026-01-01", "valid_until": "2030-12-31"}
    colleague = Signed(http, kit, email, VALLON)
    files = {"file": ("mandat.pdf", PDF)}
    given = await colleague.do("POST", f"/structures/{VALLON}/mandates", data=form, files=files)

    erased = await run_command(addresses, "erase-person", email)
    verified = await run_command(addresses, "verify-audit", VALLON, newcomer["user_id"])

    assert erased.exit_code == 0, erased.output
    assert verified.stdout.endswith("2 chains, 0 with a fault\n"), verified.output
    read = await chief.do("GET", f"/structures/{VALLON}/mandates/{given['mandate_id']}")
    assert read["closed_on"] is None
    trail = await chief.do("GET", f"/structures/{VALLON}/audit?limit=200")
    by = {each["act"]: each["by"] for each in trail["entries"]}
    assert by["mandat.donne"] == newcomer["user_id"]
