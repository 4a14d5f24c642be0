"""The development issuer signs whoever asks in, and refuses to be reached from elsewhere."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from deploy.local.programs import ROOT
from tests.kit.access import AccessKit, run_issuer
from tests.kit.waiting import scale_timeout


@pytest.fixture(scope="module")
def issuer() -> Iterator[AccessKit]:
    with run_issuer() as kit:
        yield kit


def test_a_token_is_signed_by_the_keys_that_discovery_names(issuer: AccessKit) -> None:
    where = httpx.get(f"{issuer.url}/.well-known/openid-configuration").json()
    keys = httpx.get(where["jwks_uri"]).json()
    asked = {
        "grant_type": "password",
        "username": "claire@exemple.fr",
        "name": "Claire Daval",
        "siret": "90000000100017",
    }

    answer = httpx.post(where["token_endpoint"], data=asked)
    token = jwt.decode(
        answer.json()["access_token"], KeySet.import_key_set(keys), algorithms=["ES256"]
    )

    assert where["issuer"] == issuer.url
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 3600)
    assert token.header["alg"] == "ES256"
    told = {name: token.claims[name] for name in ("iss", "aud", "email", "name", "siret")}
    assert told == {
        "iss": issuer.url,
        "aud": "aiguillage",
        "email": "claire@exemple.fr",
        "name": "Claire Daval",
        "siret": "90000000100017",
    }
    assert token.claims["email_verified"] is True
    assert token.claims["exp"] - token.claims["iat"] == 3600
    assert all("d" not in key for key in keys["keys"])


def test_userinfo_is_signed_and_needs_a_token_of_the_issuer(issuer: AccessKit) -> None:
    keys = KeySet.import_key_set(httpx.get(f"{issuer.url}/jwks").json())
    token = issuer.sign_token("claire@exemple.fr", siret="90000000100017")
    late = issuer.sign_token("claire@exemple.fr", exp=1)

    told = httpx.get(f"{issuer.url}/userinfo", headers={"Authorization": f"Bearer {token}"})
    refused = [
        httpx.get(f"{issuer.url}/userinfo", headers=headers).status_code
        for headers in (
            {},
            {"Authorization": "Bearer x"},
            {"Authorization": f"Bearer {late}"},
            {"Authorization": f"Basic {token}"},
        )
    ]

    assert told.headers["content-type"] == "application/jwt"
    assert jwt.decode(told.text, keys, algorithms=["ES256"]).claims["siret"] == "90000000100017"
    assert refused == [401, 401, 401, 401]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "password", "username": "claire"}, "invalid_request"),
        ({"grant_type": "client_credentials", "client_id": "a"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_a_request_of_something_else_is_refused(
    issuer: AccessKit, form: dict[str, str], error: str
) -> None:
    answer = httpx.post(f"{issuer.url}/token", data=form)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "localhost.example.org"])  # noqa: S104
def test_it_does_not_start_outside_loopback(host: str) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.local.issuer"),
            *("--port=20000", "--key-file=unused", f"--host={host}"),
        ],
        cwd=ROOT,
        env={"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=scale_timeout(30),
    )

    assert ended.returncode == 2
    assert "is no loopback address" in ended.stderr
    assert not (ROOT / "unused").exists()
