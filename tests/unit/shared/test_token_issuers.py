"""Setting of trusted issuers: what is refused at start."""

import json

import pytest
from pydantic import ValidationError

from shared.runtime.settings import RuntimeSettings, describe_faults
from shared.vocabulary.structures import StructureKind


def read(monkeypatch: pytest.MonkeyPatch, issuers: object) -> RuntimeSettings:
    """Read the settings of a service as from its environment."""
    monkeypatch.setenv("AIGUILLAGE_KAFKA", "127.0.0.1:9092")
    monkeypatch.setenv("AIGUILLAGE_MONGO", "mongodb://127.0.0.1:1")
    monkeypatch.setenv("AIGUILLAGE_ISSUERS", json.dumps(issuers))
    return RuntimeSettings()


def build(**changes: object) -> dict[str, object]:
    return {"url": "https://connect.example", "audience": "aiguillage", **changes}


def test_an_issuer_needs_its_address_and_the_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, [build()])

    (issuer,) = settings.issuers
    assert issuer.algorithms == {"RS256", "ES256"}
    assert issuer.kinds == {StructureKind.PUBLIQUE, StructureKind.PRIVEE}
    assert (issuer.machines, issuer.userinfo, issuer.trusts_unverified_email) == (False,) * 3
    assert settings.token_skew_s == 30
    assert settings.keys_stale_s == 3600


def test_nobody_is_trusted_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, []).issuers == ()


@pytest.mark.parametrize(
    "issuer",
    [
        build(url="http://127.0.0.1:4000"),
        build(url="http://localhost:4000/realms/essai"),
        build(url="http://[::1]:4000"),
        build(url="https://keycloak.example/realms/aiguillage"),
        build(jwks_url="http://organisation:8000/organisation/v1/jwks"),
        build(algorithms=["PS256", "ES384"], kinds=["PUBLIQUE"], acr_values=["eidas2"]),
        build(userinfo=True, userinfo_url="https://connect.example/userinfo"),
    ],
    ids=str,
)
def test_an_issuer_is_taken(monkeypatch: pytest.MonkeyPatch, issuer: object) -> None:
    assert len(read(monkeypatch, [issuer]).issuers) == 1


@pytest.mark.parametrize(
    ("issuers", "said"),
    [
        ([build(url="http://connect.example")], "https, or http on loopback"),
        ([build(url="http://127.0.0.1.example")], "https, or http on loopback"),
        ([build(url="http://organisation:8000")], "https, or http on loopback"),
        ([build(url="ftp://connect.example")], "https, or http on loopback"),
        ([build(url="connect.example")], "https, or http on loopback"),
        ([build(url="https://")], "https, or http on loopback"),
        ([build(url="https://a:b@connect.example")], "https, or http on loopback"),
        ([build(url="https://connect.example:99999")], "https, or http on loopback"),
        ([build(url="https://connect.example?a=1")], "a query or a fragment"),
        ([build(jwks_url="http://connect.example/jwks")], "https, or http on loopback"),
        ([build(jwks_url="file:///etc/passwd")], "https, or http on loopback"),
        ([build(algorithms=["none"])], "none is refused"),
        ([build(algorithms=["RS256", "HS256"])], "HS256 is refused"),
        ([build(algorithms=["nOnE", "HS512"])], "HS512, nOnE is refused"),
        ([build(algorithms=["RSA-OAEP"])], "RSA-OAEP is refused"),
        ([build(algorithms=[])], "algorithms is empty"),
        ([build(kinds=[])], "kinds is empty"),
        ([build(kinds=["MIXTE"])], "PUBLIQUE"),
        ([build(audience="")], "at least 1 character"),
        ([{"url": "https://connect.example"}], "0.audience: not set"),
        ([build(audiance="x")], "Extra inputs"),
        ([build(userinfo=True, machines=True)], "machines have none"),
        ([build(userinfo_url="https://connect.example/u")], "userinfo is not"),
        ([build(), build()], "is there twice"),
        ([build(), build(url="https://connect.example/")], "is there twice"),
        (
            [build(userinfo=True), build(url="https://b.example", userinfo=True)],
            "both have userinfo",
        ),
        (
            [build(machines=True), build(url="https://b.example", machines=True)],
            "both have machines",
        ),
        ({"url": "https://connect.example"}, "tuple"),
    ],
    ids=str,
)
def test_an_issuer_that_cannot_be_trusted_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, issuers: object, said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        read(monkeypatch, issuers)

    (fault,) = describe_faults(refused.value)
    assert fault.startswith("AIGUILLAGE_ISSUERS: ")
    assert said in fault


@pytest.mark.parametrize(("name", "value"), [("TOKEN_SKEW_S", "61"), ("TOKEN_SKEW_S", "-1"),
                                             ("KEYS_STALE_S", "10")])  # fmt: skip
def test_times_are_bounded(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"AIGUILLAGE_{name}", value)

    with pytest.raises(ValidationError):
        read(monkeypatch, [])
