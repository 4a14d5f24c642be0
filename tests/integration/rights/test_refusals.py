"""Bad tokens and choices: each gets its status and its code, and nothing is done."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import httpx
import pytest
from joserfc import jwt

from deploy.local.issuer.keys import generate_key
from deploy.local.issuer.tokens import build_claims, sign_claims
from shared.runtime.clock import build_clock
from shared.vocabulary.siret import is_siret
from tests.integration.rights.conftest import Site
from tests.kit.access import build_email, get_access

_SIRENS = count(200_000_000)
_SKEW_S = 30
_clock = build_clock()


@pytest.fixture
def siret() -> str:
    start = f"{next(_SIRENS)}0000"
    return next(f"{start}{key}" for key in range(10) if is_siret(f"{start}{key}"))


def claim(siret: str, **changes: object) -> dict[str, Any]:
    """Build the claims of a person whose issuer proves that the structure is theirs."""
    return build_claims(get_access().url, build_email(siret), _clock, siret=siret, **changes)


def from_now(seconds: int) -> int:
    return int(_clock().timestamp()) + seconds


def encode(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def join(header: Mapping[str, str | None], siret: str) -> bytes:
    return b".".join(encode(json.dumps(each).encode()) for each in (header, claim(siret)))


def sign_none(siret: str) -> str:
    return (join({"alg": "none", "typ": "JWT"}, siret) + b".").decode()


def sign_by_the_public_key(siret: str) -> str:
    # By hand: the library refuses to sign so.
    key = get_access().key
    signed = join({"alg": "HS256", "kid": key.kid}, siret)
    code = hmac.digest(key.as_pem(private=False), signed, "sha256")
    return (signed + b"." + encode(code)).decode()


def sign(**changes: object) -> Callable[[str], str]:
    return lambda siret: get_access().sign_claims(claim(siret, **changes))


def sign_by_another_key(siret: str) -> str:
    return sign_claims(claim(siret), generate_key())


def forge_signature(siret: str) -> str:
    key = generate_key()
    header = {"alg": "ES256", "kid": get_access().key.kid}
    return jwt.encode(header, claim(siret), key)


BAD: Mapping[str, tuple[Callable[[str], str], int, str]] = {
    "alg none": (sign_none, 401, "HTTP-JETON-03"),
    "HS256 by the public key": (sign_by_the_public_key, 401, "HTTP-JETON-03"),
    "another signature": (forge_signature, 401, "HTTP-JETON-03"),
    "no token": (lambda _: "rien", 401, "HTTP-JETON-02"),
    "another issuer": (sign(iss="https://ailleurs.exemple.fr"), 401, "HTTP-JETON-04"),
    "another audience": (sign(aud="une autre plateforme"), 401, "HTTP-JETON-05"),
    "another issuer's key": (sign_by_another_key, 401, "HTTP-JETON-08"),
    "an e-mail that is not verified": (sign(email_verified=False), 401, "HTTP-JETON-11"),
}


def declaration(siret: str) -> dict[str, Any]:
    return {
        "identifier_type": "SIRET",
        "identifier": siret,
        "name": "Métropole de Lumière",
        "kind": "PUBLIQUE",
    }


async def create(site: Site, siret: str, token: str, **headers: str) -> httpx.Response:
    """Ask for a structure to be created."""
    return await site.organisation.put(
        f"/structures/{siret}",
        json=declaration(siret),
        headers={"Authorization": f"Bearer {token}", **headers},
    )


async def check_refused(
    site: Site, siret: str, answer: httpx.Response, status: int, code: str
) -> None:
    """Check the status and the code of a refusal, and that the structure was not created."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    if status == 401:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="aiguillage"')
    reader = {"Authorization": f"Bearer {get_access().sign_claims(claim(siret))}"}
    found = await site.organisation.get(f"/structures/{siret}", headers=reader)
    assert found.status_code == 404


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_token_creates_nothing(site: Site, siret: str, bad: str) -> None:
    make, status, code = BAD[bad]

    answer = await create(site, siret, make(siret))

    await check_refused(site, siret, answer, status, code)


async def test_a_token_that_has_expired_a_second_ago_creates_nothing(
    site: Site, siret: str
) -> None:
    # The clock of an issuer may be wrong by the skew that is accepted.
    late = get_access().sign_claims(claim(siret, exp=from_now(-_SKEW_S - 1)))
    early = get_access().sign_claims(claim(siret, nbf=from_now(_SKEW_S + 30)))

    await check_refused(site, siret, await create(site, siret, late), 401, "HTTP-JETON-06")
    await check_refused(site, siret, await create(site, siret, early), 401, "HTTP-JETON-07")


async def test_two_structures_are_chosen_by_nobody(site: Site, siret: str) -> None:
    token = get_access().sign_claims(claim(siret))
    chosen = [("X-Structure", siret), ("X-Structure", "90000000300013")]

    answer = await site.organisation.put(
        f"/structures/{siret}",
        json=declaration(siret),
        headers=[("Authorization", f"Bearer {token}"), *chosen],
    )

    await check_refused(site, siret, answer, 400, "HTTP-CALLER-08")


async def test_two_tokens_are_of_nobody(site: Site, siret: str) -> None:
    token = get_access().sign_claims(claim(siret))

    answer = await site.organisation.put(
        f"/structures/{siret}",
        json=declaration(siret),
        headers=[("Authorization", f"Bearer {token}")] * 2,
    )

    await check_refused(site, siret, answer, 400, "HTTP-CALLER-08")


async def test_an_issuer_that_is_away_is_waited_for(site: Site, siret: str) -> None:
    token = sign_claims(claim(siret, iss=site.away), generate_key())

    answer = await create(site, siret, token)

    await check_refused(site, siret, answer, 503, "HTTP-JETON-09")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("name", "size", "code"),
    [
        ("Authorization", 9_000, "HTTP-JETON-10"),
        ("Authorization", 100_000, "HTTP-431"),
        ("X-Autre", 100_000, "HTTP-431"),
    ],
)
async def test_a_header_that_is_too_long_is_not_read(
    site: Site, siret: str, name: str, size: int, code: str
) -> None:
    token = get_access().sign_claims(claim(siret))
    headers = {"Authorization": f"Bearer {token}"} | {name: "Bearer " + "a" * size}
    try:
        answer = await site.organisation.put(
            f"/structures/{siret}", json=declaration(siret), headers=headers
        )
    except httpx.ReadError:
        # The server closes a head that it does not read: the answer may be lost with it.
        assert size == 100_000
        answer = None

    if answer is not None:
        assert (answer.status_code, answer.json()["code"]) == (431, code)
    reader = {"Authorization": f"Bearer {token}"}
    found = await site.organisation.get(f"/structures/{siret}", headers=reader)
    assert found.status_code == 404
