"""Machines over HTTP: from a main manager's request to a token that another service takes."""

from collections.abc import AsyncIterator, Collection, Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from deploy.local import Addresses, Platform, choose
from shared.vocabulary.siret import is_siret
from tests.kit.waiting import scale_timeout, wait_until

_SIRENS = count(300_000_000)
WRITES, READS = "factures_de_travaux:modification", "factures_de_travaux:consultation"
PAYS = "factures_recues:modification"
REVOKED_S = 5
"""Most that a revocation takes to hold in another service; a second is usual."""


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    """Organisation and a service that trusts its tokens, with the issuers of `make up`."""
    services = ["services.organisation", "services.portal"]
    with Platform(choose().backend, services=services) as platform:
        yield platform.addresses


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=scale_timeout(30)) as client:
        yield client


class Site:
    """One structure, its main manager, and calls in her name."""

    def __init__(self, http: httpx.AsyncClient, addresses: Addresses, siret: str) -> None:
        self.http = http
        self.siret = siret
        self.organisation = addresses.services["organisation"]
        self.portal = addresses.services["portal"]
        self.issuer = addresses.issuer
        self.headers: dict[str, str] = {}

    async def sign_in(self, email: str, **claims: str) -> dict[str, str]:
        form = {"grant_type": "password", "username": email, "password": "x", **claims}
        answer = await self.http.post(f"{self.issuer}/token", data=form)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def create(self) -> None:
        """Create the structure: its creator is its first main manager."""
        self.headers = await self.sign_in(f"gestion@{self.siret}.fr", siret=self.siret)
        declared = {
            "identifier_type": "SIRET",
            "identifier": self.siret,
            "name": f"Structure {self.siret}",
            "kind": "PUBLIQUE",
        }
        url = f"{self.organisation}/structures/{self.siret}"
        answer = await self.http.put(url, json=declared, headers=self.headers)
        assert answer.status_code == 201, answer.text
        await wait_until(self._is_manager, "the structure has its manager")

    async def _is_manager(self) -> bool:
        return (await self.call("GET")).status_code == 200

    async def call(
        self,
        method: str,
        path: str = "",
        body: object = None,
        **headers: str,
    ) -> httpx.Response:
        """Call a route of the structure's machines in its manager's name."""
        url = f"{self.organisation}/structures/{self.siret}/machines{path}"
        return await self.http.request(method, url, json=body, headers=self.headers | headers)

    async def create_machine(self, *scopes: str) -> dict[str, Any]:
        body = {"name": "Logiciel de facturation", "scopes": list(scopes) or [WRITES]}
        answer = await self.call("POST", body=body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def ask(self, machine: dict[str, Any], secret: str | None = None) -> httpx.Response:
        """Ask for a token, by Basic."""
        return await self.http.post(
            f"{self.organisation}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(machine["client_id"], secret or machine["secret"]["secret"]),
        )

    async def search(self, token: str, siret: str = "") -> httpx.Response:
        """Search the pieces of a structure in the portal, as a machine."""
        headers = {
            "Authorization": f"Bearer {token}",
            "X-Structure": siret or self.siret,
            "X-Role": "moa",
        }
        return await self.http.get(f"{self.portal}/pieces", headers=headers)

    async def until_status(
        self, token: str, status: int, siret: str = "", codes: Collection[str] = ()
    ) -> httpx.Response:
        async def has_status() -> bool:
            found = await self.search(token, siret)
            is_told = not codes or found.json()["code"] in codes
            return found.status_code == status and is_told

        await wait_until(has_status, f"the portal answers {status} {codes}", REVOKED_S)
        return await self.search(token, siret)


async def build_site(http: httpx.AsyncClient, addresses: Addresses) -> Site:
    start = f"{next(_SIRENS)}0000"
    siret = next(f"{start}{key}" for key in range(10) if is_siret(f"{start}{key}"))
    site = Site(http, addresses, siret)
    await site.create()
    return site


@pytest.fixture
async def site(http: httpx.AsyncClient, addresses: Addresses) -> Site:
    return await build_site(http, addresses)


async def test_a_machine_gets_a_token_that_another_service_takes(site: Site) -> None:
    machine = await site.create_machine()
    answer = await site.ask(machine)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    token = answer.json()
    described = {name: token[name] for name in ("token_type", "expires_in", "scope")}
    assert described == {"token_type": "Bearer", "expires_in": 300, "scope": WRITES}
    assert token["client_secret_expires_at"] > 1_800_000_000
    assert len(machine["secret"]["secret"]) == 43
    found = await site.until_status(token["access_token"], 200)
    assert found.json()["pieces"] == []


async def test_credentials_in_the_form_and_a_narrower_scope(site: Site) -> None:
    machine = await site.create_machine(WRITES, PAYS)
    form = {
        "grant_type": "client_credentials",
        "client_id": machine["client_id"],
        "client_secret": machine["secret"]["secret"],
    }
    url = f"{site.organisation}/oauth/token"
    narrow = await site.http.post(url, data=form | {"scope": READS})
    wide = await site.http.post(url, data=form | {"scope": "factures_emises:consultation"})

    assert narrow.json()["scope"] == READS
    assert (wide.status_code, wide.json()["error"]) == (400, "invalid_scope")
    # A token for received invoices alone may not search works, although the machine may.
    paying = (await site.http.post(url, data=form | {"scope": PAYS})).json()["access_token"]
    await site.until_status(narrow.json()["access_token"], 200)
    refused = await site.search(paying)
    assert (refused.status_code, refused.json()["code"]) == (403, "HTTP-DROIT-07")
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"auth": ("inconnue", "faux")}, 401, "invalid_client"),
        ({"auth": None}, 401, "invalid_client"),
        ({"data": {"grant_type": "password"}}, 400, "unsupported_grant_type"),
        ({"data": {}}, 400, "invalid_request"),
        ({"data": None, "json": {"grant_type": "client_credentials"}}, 400, "invalid_request"),
    ],
)
async def test_faults_are_answered_as_rfc_6749_says(
    site: Site, change: dict[str, Any], status: int, error: str
) -> None:
    usual: dict[str, Any] = {"data": {"grant_type": "client_credentials"}, "auth": ("a", "b")}
    answer = await site.http.post(f"{site.organisation}/oauth/token", **(usual | change))

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


async def test_two_authorizations_are_refused_before_anything_is_read(site: Site) -> None:
    headers = [("Authorization", "Basic YTpi"), ("Authorization", "Basic YTpi")]
    form = {"grant_type": "client_credentials"}
    answer = await site.http.post(f"{site.organisation}/oauth/token", data=form, headers=headers)

    assert answer.status_code == 400


async def test_a_deleted_machine_and_a_withdrawn_scope_are_refused_at_once(
    site: Site, http: httpx.AsyncClient, addresses: Addresses
) -> None:
    other = await build_site(http, addresses)
    machine = await site.create_machine()
    granted = await other.call("PUT", f"/{machine['client_id']}", {"scopes": [READS]})
    token = (await site.ask(machine)).json()["access_token"]
    await site.until_status(token, 200)
    await site.until_status(token, 200, other.siret)
    assert granted.json()["grants"] == [{"structure_id": other.siret, "scopes": [READS]}]
    assert granted.json()["secrets"] == []

    # The same token: what was granted is gone, the rest goes on.
    left = await other.call("DELETE", f"/{machine['client_id']}")
    assert left.status_code == 204
    refused = await site.until_status(token, 403, other.siret)
    assert refused.json()["code"] == "HTTP-DROIT-01"
    assert (await site.search(token)).status_code == 200

    await site.call("PUT", f"/{machine['client_id']}", {"scopes": [PAYS]})
    narrowed = await site.until_status(token, 403)
    assert narrowed.json()["code"] == "HTTP-DROIT-02"

    await site.call("DELETE", f"/{machine['client_id']}")
    await site.until_status(token, 403, codes={"HTTP-DROIT-01", "HTTP-DROIT-09"})
    assert (await site.ask(machine)).status_code == 401
    assert (await site.call("DELETE", f"/{machine['client_id']}")).status_code == 404


async def test_a_secret_is_rotated_by_its_structure_alone(
    site: Site, http: httpx.AsyncClient, addresses: Addresses
) -> None:
    other = await build_site(http, addresses)
    machine = await site.create_machine()
    path = f"/{machine['client_id']}"
    await other.call("PUT", path, {"scopes": [READS]})

    second = await site.call("POST", f"{path}/secrets", **{"Idempotency-Key": "secret-2"})
    again = await site.call("POST", f"{path}/secrets", **{"Idempotency-Key": "secret-2"})
    third = await site.call("POST", f"{path}/secrets")
    theirs = await other.call("POST", f"{path}/secrets")

    assert (second.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == second.json() | {"secret": None}
    assert (third.status_code, third.json()["code"]) == (409, "ORG-SECRET-01")
    assert (theirs.status_code, theirs.json()["code"]) == (403, "ORG-MACHINE-07")
    first = machine["secret"]["secret_id"]
    assert (await site.call("DELETE", f"{path}/secrets/{first}")).status_code == 204
    assert (await site.ask(machine)).status_code == 401
    assert (await site.ask(machine, second.json()["secret"])).status_code == 200
    (shown,) = (await site.call("GET")).json()["machines"]
    assert [each["secret_id"] for each in shown["secrets"]] == [second.json()["secret_id"]]
    assert "secret" not in shown["secrets"][0]
    assert shown["secrets"][0]["expires_soon"] is False


async def test_only_a_main_manager_makes_machines(site: Site) -> None:
    stranger = await site.sign_in("autre@exemple.fr")
    machine = await site.create_machine()
    token = (await site.ask(machine)).json()["access_token"]
    await site.until_status(token, 200)
    url = f"{site.organisation}/structures/{site.siret}/machines"
    body = {"name": "Autre", "scopes": [WRITES]}
    answers = [
        await site.http.post(url, json=body, headers=headers)
        for headers in (
            {},
            stranger,
            {"Authorization": f"Bearer {token}", "X-Structure": site.siret},
        )
    ]

    assert [each.status_code for each in answers] == [401, 403, 403]
    assert answers[2].json()["code"] == "HTTP-DROIT-04"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "Logiciel", "scopes": []}, "ORG-MACHINE-03"),
        ({"name": "…", "scopes": [WRITES]}, "ORG-MACHINE-02"),
        ({"name": "Logiciel", "scopes": ["tout"]}, "ORG-MACHINE-04"),
        ({"name": "Logiciel", "scopes": [WRITES] * 30}, "HTTP-FORM-01"),
        ({"name": "Logiciel", "scopes": [WRITES], "owner": "x"}, "HTTP-FORM-01"),
    ],
)
async def test_a_machine_that_cannot_be_is_refused(
    site: Site, body: dict[str, Any], code: str
) -> None:
    answer = await site.call("POST", body=body)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await site.call("GET")).json() == {"machines": []}


async def test_the_keys_are_public_and_the_token_names_one_of_them(site: Site) -> None:
    answer = await site.http.get(f"{site.organisation}/jwks")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    (key,) = answer.json()["keys"]
    assert (key["kty"], key["use"], key["alg"]) == ("EC", "sig", "ES256")
    assert "d" not in key


async def test_the_trail_of_the_structure_tells_of_its_machines(site: Site) -> None:
    machine = await site.create_machine()
    await site.call("DELETE", f"/{machine['client_id']}")
    url = f"{site.organisation}/structures/{site.siret}/audit"
    told = (await site.http.get(url, headers=site.headers)).json()["entries"]

    acts = [each["act"] for each in told if each["act"].startswith("machine.")]
    assert acts == ["machine.creee", "machine.supprimee"]
    assert machine["secret"]["secret"] not in repr(told)
