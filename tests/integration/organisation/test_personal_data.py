"""An erased person is signed out by running services, whose logs hold no address and no token."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from typer.testing import CliRunner, Result

from deploy.local import Addresses, Platform, choose
from services.organisation.__main__ import app
from tests.kit.waiting import scale_timeout, wait_until

OWNER = "90000000100017"
CLAIRE, PAUL = "claire.durand@exemple.fr", "paul.martin@exemple.fr"
SECRET = "de-machine-0123456789"  # noqa: S105 - of nothing
ERASED_S = 5
"""Most that an erasure takes to hold in a running service; a second is usual."""


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    services = ["services.organisation", "services.portal", "services.support"]
    with Platform(choose().backend, services=services) as running:
        yield running


@pytest.fixture(scope="module")
def addresses(platform: Platform) -> Addresses:
    return platform.addresses


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=scale_timeout(30)) as client:
        yield client


async def sign_in(http: httpx.AsyncClient, addresses: Addresses, email: str, siret: str) -> str:
    form = {"grant_type": "password", "username": email, "password": "x", "name": "Claire Durand"}
    answer = await http.post(f"{addresses.issuer}/token", data=form | {"siret": siret})
    token: str = answer.json()["access_token"]
    return token


async def run(addresses: Addresses, *arguments: str) -> Result:
    """Run a command as an operator does; it has an event loop of its own."""
    environment = {"AIGUILLAGE_MONGO": addresses.mongo}
    invoke = CliRunner().invoke
    return await asyncio.to_thread(lambda: invoke(app, list(arguments), env=environment))


async def test_an_erased_person_is_refused_on_the_next_request(
    http: httpx.AsyncClient, addresses: Addresses
) -> None:
    token = await sign_in(http, addresses, CLAIRE, OWNER)
    headers = {"Authorization": f"Bearer {token}"}
    organisation = addresses.services["organisation"]
    structure = f"{organisation}/structures/{OWNER}"
    declared = {
        "identifier_type": "SIRET",
        "identifier": OWNER,
        "name": "Métropole de Lumière",
        "kind": "PUBLIQUE",
    }

    async def answers(status: int) -> bool:
        answer = await http.patch(
            f"{structure}/identity", json={"name": "Métropole"}, headers=headers
        )
        return answer.status_code == status

    granted = await run(addresses, "grant-operator", CLAIRE)
    assert granted.exit_code == 0, granted.output
    await wait_until(lambda: answers(404), "an operator is let in")
    erased = await run(addresses, "erase-person", CLAIRE)
    assert erased.stdout.startswith("account ")
    await wait_until(lambda: answers(403), "an erased operator is refused", ERASED_S)
    verified = await run(addresses, "verify-audit")
    assert verified.exit_code == 0, verified.output

    # The same token: whoever signs in again is somebody new, who may create a structure.
    created = await http.put(structure, json=declared, headers=headers)
    assert created.status_code == 201, created.text
    kept = await run(addresses, "erase-person", CLAIRE)
    assert kept.exit_code == 1
    assert "nobody else is attached to it: invite somebody" in kept.output


async def test_no_log_holds_an_address_or_a_token(
    http: httpx.AsyncClient, addresses: Addresses, platform: Platform
) -> None:
    token = await sign_in(http, addresses, PAUL, OWNER)
    good = {"Authorization": f"Bearer {token}", "X-Structure": OWNER, "X-Role": "moa"}
    bad = good | {"Authorization": f"Bearer {token}x"}
    form = {"grant_type": "client_credentials", "client_id": PAUL, "client_secret": SECRET}
    ticket = {"email": PAUL, "sub_category": "DEPOT", "title": "Un titre", "description": "Texte"}
    organisation, support = (addresses.services[each] for each in ("organisation", "support"))
    answers = [
        await http.post(f"{organisation}/oauth/token", data=form),
        await http.post(f"{organisation}/oauth/token", data=form, auth=(PAUL, SECRET)),
        await http.post(f"{support}/open/tickets", data=ticket),
        *[
            await http.get(f"{base}/{path}?email={PAUL}", headers=headers)
            for base in addresses.services.values()
            for path in ("inconnu", "pieces", "structures")
            for headers in (good, bad)
        ],
    ]

    assert {each.status_code for each in answers} >= {401, 201}
    text = await asyncio.to_thread(read_logs, platform)
    assert text.count("service.started") == 3
    assert {each for each in (CLAIRE, PAUL, SECRET, token[-40:]) if each in text} == set()


def read_logs(platform: Platform) -> str:
    """Read the logs of all processes: of services, and of what they run on."""
    logs = platform.logs.glob("*.log")
    return "\n".join(each.read_text(encoding="utf-8", errors="replace") for each in logs)
