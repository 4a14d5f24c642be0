"""Sign-in at a real OpenID provider, against a running service: rotation, removal, absence."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from deploy.local import Platform
from shared.rights.identity import compute_identity
from shared.rights.model import Principal, PrincipalKind
from tests.kit.access import build_attachment, build_user, get_access, run_services
from tests.kit.oidc_provider import CLIENT, MACHINE, Provider, run_provider
from tests.kit.waiting import scale_timeout, wait_until

STRUCTURE = "21690123100011"
EMAIL = "jeanne.martin@mairie.example"
UNKNOWN = "/dossiers/01920000-0000-7000-8000-000000000000/statuses"
"""A dossier that is not there: who is let in gets 404."""


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[Provider]:
    async with run_provider(jwt=True, life_s=600) as running:
        yield running


@pytest.fixture(scope="module")
async def suppliers() -> AsyncIterator[Provider]:
    async with run_provider(jwt=True, life_s=600) as running:
        yield running


@pytest.fixture(scope="module")
def platform(provider: Provider, suppliers: Provider) -> Iterator[Platform]:
    access = get_access()
    issuers = [
        *json.loads(access.issuers),
        {"url": provider.url, "audience": CLIENT, "machines": True},
        {"url": suppliers.url, "audience": CLIENT, "kinds": ["PRIVEE"]},
    ]
    env = {"AIGUILLAGE_ISSUERS": json.dumps(issuers)}
    with run_services("services.notification", env=env) as running:
        access.put(build_user(EMAIL, {STRUCTURE: build_attachment(STRUCTURE)}))
        access.put(
            Principal(
                id="essai-logiciel",
                identity=compute_identity(PrincipalKind.MACHINE, MACHINE),
                kind=PrincipalKind.MACHINE,
                version=1,
                attachments={STRUCTURE: build_attachment(STRUCTURE)},
            )
        )
        yield running


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    url = platform.addresses.services["notification"]
    async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as client:
        yield client


async def ask(http: httpx.AsyncClient, token: str) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Structure": STRUCTURE,
        "X-Role": "titulaire",
    }
    return await http.get(UNKNOWN, headers=headers)


async def judge(http: httpx.AsyncClient, token: str) -> tuple[int, str | None]:
    """Give the status and the code that a token gets."""
    answer = await ask(http, token)
    return answer.status_code, answer.json()["code"]


async def test_a_person_is_let_in_for_its_structure(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    signed_in = await provider.sign_in(EMAIL)
    stranger = await provider.sign_in("inconnu@ailleurs.example")

    assert (await ask(http, str(signed_in["access_token"]))).status_code == 404
    assert await judge(http, str(stranger["access_token"])) == (403, "HTTP-DROIT-09")
    refused = await ask(http, str(signed_in["id_token"]))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith('Bearer realm="aiguillage"')


async def test_an_issuer_of_suppliers_speaks_for_no_other_structure(
    suppliers: Provider, http: httpx.AsyncClient
) -> None:
    token = str((await suppliers.sign_in(EMAIL))["access_token"])

    assert await judge(http, token) == (403, "HTTP-DROIT-08")
    # It signs no machine in.
    machine = await suppliers.fetch_machine_token()
    assert await judge(http, machine) == (401, "HTTP-JETON-11")


async def test_a_rotation_refuses_no_request_while_they_flow(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    seen: Counter[int] = Counter()
    is_over = False

    async def send_requests() -> None:
        while not is_over:
            token = await provider.fetch_machine_token()
            seen[(await ask(http, token)).status_code] += 1

    async with asyncio.timeout(scale_timeout(60)), asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(send_requests())
        for rotations in range(3):
            if rotations:
                await provider.add_key()
            enough = seen.total() + 15
            await wait_until(lambda: seen.total() >= enough, "requests by the new keys", 30)  # noqa: B023
        is_over = True

    print(f"rotation: {seen.total()} requests over three sets of keys, by status {dict(seen)}")
    assert set(seen) == {404}


async def test_a_removed_key_refuses_tokens_that_were_accepted(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    before = await provider.fetch_machine_token()
    assert (await ask(http, before)).status_code == 404

    await provider.add_key()
    await provider.remove_old_keys()
    # A token of the new key makes the service fetch the keys.
    after = await provider.fetch_machine_token()
    assert (await ask(http, after)).status_code == 404
    assert await judge(http, before) == (401, "HTTP-JETON-08")


async def test_known_keys_go_on_when_the_provider_has_stopped_and_others_are_503(
    provider: Provider, http: httpx.AsyncClient
) -> None:
    known = await provider.fetch_machine_token()
    assert (await ask(http, known)).status_code == 404
    unseen = await provider.fetch_machine_token()
    await provider.add_key()
    newer = await provider.fetch_machine_token()
    await provider.stop()

    refused = await ask(http, newer)
    assert refused.status_code == 503
    assert refused.json()["code"] == "HTTP-JETON-09"
    assert int(refused.headers["retry-after"]) >= 1
    assert (await ask(http, known)).status_code == 404
    assert (await ask(http, unseen)).status_code == 404
    # Those of other issuers are let in as before.
    own = get_access().headers(STRUCTURE, "titulaire")
    assert (await http.get(UNKNOWN, headers=own)).status_code == 404
