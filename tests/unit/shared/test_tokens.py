"""Bearer tokens: which are verified, and the fault of each that is not."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal

import pytest

from shared.rights.model import PrincipalKind
from shared.runtime.tokens.faults import TokenError, TokenFault
from shared.runtime.tokens.issuers import Issuer
from shared.vocabulary.structures import StructureKind
from tests.kit.scripted_issuer import ScriptedIssuer, run_issuer
from tests.kit.signed_tokens import (
    AUDIENCE,
    NOW,
    NOW_S,
    Checked,
    build_claims,
    ec_key,
    encode,
    rsa_key,
    run_verifier,
    sign,
)


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[ScriptedIssuer]:
    async with run_issuer() as running:
        running.publish(rsa_key(), ec_key())
        yield running


@pytest.fixture
async def checked(issuer: ScriptedIssuer) -> AsyncIterator[Checked]:
    trusted = Issuer(url=issuer.url, audience=AUDIENCE, proves_siret=True)
    async with run_verifier([trusted]) as running:
        yield running


async def find_fault(checked: Checked, token: str) -> TokenFault | None:
    try:
        await checked.verifier.verify(token)
    except TokenError as error:
        return error.fault
    return None


async def test_a_signed_token_gives_the_identity_of_its_person(
    checked: Checked, issuer: ScriptedIssuer
) -> None:
    claims = build_claims(
        issuer.url,
        given_name="Jeanne",
        usual_name="Martin",
        siret="21690123100011",
        acr="eidas1",
        azp="portail",
        scope="openid email",
    )

    identity = await checked.verifier.verify(sign(claims))

    assert identity.kind is PrincipalKind.USER
    assert (identity.issuer, identity.subject) == (issuer.url, "u-1")
    assert identity.email == "jeanne.martin@mairie.example"
    assert identity.name == "Jeanne Martin"
    assert identity.siret == "21690123100011"
    assert identity.acr == "eidas1"
    assert identity.client == "portail"
    assert identity.scopes == {"openid", "email"}
    assert identity.kinds == {StructureKind.PUBLIQUE, StructureKind.PRIVEE}
    assert identity.issued_at == NOW
    assert identity.expires_at == NOW + timedelta(seconds=300)


async def test_es256_is_verified_too(checked: Checked, issuer: ScriptedIssuer) -> None:
    assert await find_fault(checked, sign(build_claims(issuer.url), ec_key())) is None


@pytest.mark.parametrize("algorithm", ["none", "nOnE", "NONE", "None", "", "RS256 ", "rs256"])
@pytest.mark.parametrize("signature", ["", "AAAA"])
async def test_an_unsigned_token_is_refused(
    checked: Checked, issuer: ScriptedIssuer, algorithm: str, signature: str
) -> None:
    head = encode({"alg": algorithm, "kid": "r1"})
    token = f"{head}.{encode(build_claims(issuer.url))}.{signature}"

    assert await find_fault(checked, token) is TokenFault.ALGORITHM


@pytest.mark.parametrize("algorithm", [None, 1, ["RS256"], {"alg": "RS256"}, True])
async def test_an_algorithm_that_is_no_text_is_refused(
    checked: Checked, issuer: ScriptedIssuer, algorithm: object
) -> None:
    head = {"kid": "r1"} if algorithm is None else {"alg": algorithm, "kid": "r1"}
    token = f"{encode(head)}.{encode(build_claims(issuer.url))}.AAAA"

    assert await find_fault(checked, token) is TokenFault.ALGORITHM


def _list_secrets() -> dict[str, bytes]:
    """List the forms of a public key that a careless verifier takes for a shared secret."""
    key = rsa_key()
    pem, der = key.as_pem(private=False), key.as_der(private=False)
    jwk = key.as_dict(private=False)
    return {
        "pem": pem,
        "pem without the last line end": pem.rstrip(b"\n"),
        "der": der,
        "jwk": json.dumps(jwk).encode(),
        "compact jwk": json.dumps(jwk, separators=(",", ":")).encode(),
        "modulus": base64.urlsafe_b64decode(str(jwk["n"]) + "=="),
        "nothing": b"",
    }


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", list(_list_secrets()))
async def test_a_mac_by_the_public_key_is_refused(
    checked: Checked, issuer: ScriptedIssuer, algorithm: str, form: str
) -> None:
    signed = f"{encode({'alg': algorithm, 'kid': 'r1'})}.{encode(build_claims(issuer.url))}"
    mac = hmac.digest(_list_secrets()[form], signed.encode(), algorithm.replace("HS", "sha"))

    assert await find_fault(checked, f"{signed}.{encode(mac)}") is TokenFault.ALGORITHM


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
async def test_an_algorithm_that_is_not_pinned_is_refused(
    checked: Checked, issuer: ScriptedIssuer, algorithm: str
) -> None:
    token = sign(build_claims(issuer.url), algorithm=algorithm)

    assert await find_fault(checked, token) is TokenFault.ALGORITHM


async def test_another_key_under_a_published_id_is_refused(
    checked: Checked, issuer: ScriptedIssuer
) -> None:
    forged = sign(build_claims(issuer.url), rsa_key("forged"), kid="r1")

    assert await find_fault(checked, forged) is TokenFault.SIGNATURE


async def test_changed_claims_are_refused(checked: Checked, issuer: ScriptedIssuer) -> None:
    head, _, signature = sign(build_claims(issuer.url)).split(".")
    changed = encode(build_claims(issuer.url, email="maire@mairie.example"))

    assert await find_fault(checked, f"{head}.{changed}.{signature}") is TokenFault.SIGNATURE


async def test_a_changed_signature_is_refused(checked: Checked, issuer: ScriptedIssuer) -> None:
    token = sign(build_claims(issuer.url))
    body, _, signature = token.rpartition(".")
    other = ("B" if signature[10] == "A" else "A").join((signature[:10], signature[11:]))

    assert await find_fault(checked, f"{body}.{other}") is TokenFault.SIGNATURE
    assert await find_fault(checked, f"{body}.") is TokenFault.SIGNATURE
    assert await find_fault(checked, token) is None


async def test_an_es256_signature_by_another_curve_is_refused() -> None:
    longer = ec_key("e384", "P-384")
    async with run_issuer() as own:
        own.publish(longer)
        trusted = Issuer(url=own.url, audience=AUDIENCE, algorithms=frozenset({"ES256", "ES384"}))
        async with run_verifier([trusted]) as checked:
            right = sign(build_claims(own.url), longer, "ES384")
            head = encode({"alg": "ES256", "kid": "e384"})
            signature = right.rpartition(".")[2]
            forged = f"{head}.{encode(build_claims(own.url))}.{signature}"

            assert await find_fault(checked, right) is None
            assert await find_fault(checked, forged) is TokenFault.KEY_UNKNOWN


@pytest.mark.parametrize(
    "signature",
    [b"\0" * 64, b"\0" * 63, b"", b"\xff" * 64, b"0\x06\x02\x01\x01\x02\x01\x01"],
    ids=["zeros", "short", "empty", "ones", "der"],
)
async def test_odd_es256_signatures_are_refused(
    checked: Checked, issuer: ScriptedIssuer, signature: bytes
) -> None:
    head = encode({"alg": "ES256", "kid": "e1"})
    token = f"{head}.{encode(build_claims(issuer.url))}.{encode(signature)}"

    assert await find_fault(checked, token) is TokenFault.SIGNATURE


@pytest.mark.parametrize("crit", [["exp"], ["b64"], [], "exp", None, 1, ["x"], {"a": 1}])
async def test_a_critical_header_is_refused(
    checked: Checked, issuer: ScriptedIssuer, crit: object
) -> None:
    head = encode({"alg": "RS256", "kid": "r1", "crit": crit, "x": 1, "exp": 1, "b64": False})
    token = f"{head}.{encode(build_claims(issuer.url))}.AAAA"

    assert await find_fault(checked, token) is TokenFault.MALFORMED


async def test_keys_and_addresses_in_the_header_are_ignored(
    checked: Checked, issuer: ScriptedIssuer
) -> None:
    own = rsa_key("r-own")
    async with run_issuer() as thief:
        thief.publish(own)
        claims = build_claims(issuer.url)
        tricks: dict[str, Any] = {
            "jku": f"{thief.url}/jwks",
            "x5u": f"{thief.url}/certificate",
            "jwk": own.as_dict(private=False),
        }
        for name, value in tricks.items():
            for kid in ("r1", "r-own"):
                fault = await find_fault(checked, sign(claims, own, kid=kid, **{name: value}))
                expected = TokenFault.SIGNATURE if kid == "r1" else TokenFault.KEY_UNKNOWN
                assert fault is expected, name
                checked.times.pass_by(5)
            # A right token with the same header is as right as without.
            assert await find_fault(checked, sign(claims, **{name: value})) is None
        assert thief.asked == []


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "r1' OR '1'='1",
        "http://127.0.0.1/k",
        "",
        "r1\0",
        "R1",
    ],
)
async def test_the_id_of_a_key_is_only_compared(
    checked: Checked, issuer: ScriptedIssuer, kid: str
) -> None:
    token = sign(build_claims(issuer.url), kid=kid)

    assert await find_fault(checked, token) is TokenFault.KEY_UNKNOWN


@pytest.mark.parametrize("kid", [1, ["r1"], {"kid": "r1"}, True])
async def test_an_id_of_a_key_that_is_no_text_is_refused(
    checked: Checked, issuer: ScriptedIssuer, kid: object
) -> None:
    token = f"{encode({'alg': 'RS256', 'kid': kid})}.{encode(build_claims(issuer.url))}.AAAA"

    assert await find_fault(checked, token) is TokenFault.MALFORMED


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"exp": None}, TokenFault.MALFORMED),
        ({"aud": None}, TokenFault.AUDIENCE),
        ({"iss": None}, TokenFault.ISSUER),
        ({"sub": None}, TokenFault.MALFORMED),
        ({"sub": ""}, TokenFault.MALFORMED),
        ({"sub": 12}, TokenFault.MALFORMED),
        ({"sub": "u" * 256}, TokenFault.MALFORMED),
        ({"iss": "https://elsewhere.example"}, TokenFault.ISSUER),
        ({"iss": ["http://127.0.0.1"]}, TokenFault.ISSUER),
        ({"iss": 1}, TokenFault.ISSUER),
        ({"aud": "another"}, TokenFault.AUDIENCE),
        ({"aud": "AIGUILLAGE"}, TokenFault.AUDIENCE),
        ({"aud": ["another", "third"]}, TokenFault.AUDIENCE),
        ({"aud": []}, TokenFault.AUDIENCE),
        ({"aud": ["aiguillage", 1]}, TokenFault.AUDIENCE),
        ({"aud": {"aiguillage": 1}}, TokenFault.AUDIENCE),
        ({"aud": "aiguillage another"}, TokenFault.AUDIENCE),
        ({"aud": ["another", "aiguillage"]}, None),
        ({"aud": ["aiguillage"]}, None),
        ({"exp": NOW_S - 31}, TokenFault.EXPIRED),
        ({"exp": NOW_S - 30}, TokenFault.EXPIRED),
        ({"exp": NOW_S - 29}, None),
        ({"exp": NOW_S - 1}, None),
        ({"exp": NOW_S + 0.5}, None),
        ({"exp": 0}, TokenFault.EXPIRED),
        ({"exp": -1}, TokenFault.EXPIRED),
        ({"exp": str(NOW_S + 300)}, TokenFault.MALFORMED),
        ({"exp": True}, TokenFault.MALFORMED),
        ({"exp": 10**20}, TokenFault.MALFORMED),
        ({"exp": [NOW_S]}, TokenFault.MALFORMED),
        ({"nbf": NOW_S + 31}, TokenFault.NOT_YET),
        ({"nbf": NOW_S + 30}, None),
        ({"nbf": "tomorrow"}, TokenFault.MALFORMED),
        ({"nbf": True}, TokenFault.MALFORMED),
        ({"iat": NOW_S + 31}, TokenFault.NOT_YET),
        ({"iat": NOW_S + 30}, None),
        ({"iat": "today"}, TokenFault.MALFORMED),
        ({"iat": None}, None),
        ({"at_hash": "x"}, TokenFault.MALFORMED),
        ({"c_hash": "x"}, TokenFault.MALFORMED),
        ({"typ": "ID"}, TokenFault.MALFORMED),
        ({"typ": "Refresh"}, TokenFault.MALFORMED),
        ({"typ": "Bearer"}, None),
        ({"typ": ["ID"]}, None),
        ({"nonce": "x"}, TokenFault.MALFORMED),
        ({"nonce": "x", "typ": "Bearer"}, None),
        ({"email": None}, TokenFault.EMAIL),
        ({"email": "jeanne"}, TokenFault.EMAIL),
        ({"email": "@mairie.example"}, TokenFault.EMAIL),
        ({"email": "jeanne@"}, TokenFault.EMAIL),
        ({"email": "jeanne martin@mairie.example"}, TokenFault.EMAIL),
        ({"email": "jeanne\n@mairie.example"}, TokenFault.EMAIL),
        ({"email": ["jeanne@mairie.example"]}, TokenFault.EMAIL),
        ({"email": "j" * 250 + "@x.fr"}, TokenFault.EMAIL),
        ({"email_verified": None}, TokenFault.EMAIL),
        ({"email_verified": False}, TokenFault.EMAIL),
        ({"email_verified": "true"}, TokenFault.EMAIL),
        ({"email_verified": 1}, TokenFault.EMAIL),
    ],
    ids=str,
)
async def test_claims_are_checked(
    checked: Checked, issuer: ScriptedIssuer, changes: dict[str, Any], fault: TokenFault | None
) -> None:
    assert await find_fault(checked, sign(build_claims(issuer.url, **changes))) is fault


async def test_the_issuer_is_compared_whole(checked: Checked, issuer: ScriptedIssuer) -> None:
    for other in (issuer.url + "/", issuer.url.upper(), issuer.url + "/x", issuer.url[:-1]):
        token = sign(build_claims(other))
        assert await find_fault(checked, token) is TokenFault.ISSUER, other


async def test_an_unsigned_token_of_a_stranger_has_the_fault_of_its_algorithm(
    checked: Checked,
) -> None:
    claims = build_claims("https://elsewhere.example")
    token = f"{encode({'alg': 'none'})}.{encode(claims)}."

    assert await find_fault(checked, token) is TokenFault.ALGORITHM


async def test_no_skew_is_the_second_of_expiry(issuer: ScriptedIssuer) -> None:
    trusted = Issuer(url=issuer.url, audience=AUDIENCE)
    async with run_verifier([trusted], skew_s=0) as checked:
        last = sign(build_claims(issuer.url, exp=NOW_S + 1))
        expired = sign(build_claims(issuer.url, exp=NOW_S))

        assert await find_fault(checked, last) is None
        assert await find_fault(checked, expired) is TokenFault.EXPIRED
        checked.times.pass_by(1)
        assert await find_fault(checked, last) is TokenFault.EXPIRED


async def test_a_verified_token_expires_like_any_other(
    checked: Checked, issuer: ScriptedIssuer
) -> None:
    token = sign(build_claims(issuer.url))
    assert await find_fault(checked, token) is None

    checked.times.pass_by(329)
    assert await find_fault(checked, token) is None
    checked.times.pass_by(1)
    assert await find_fault(checked, token) is TokenFault.EXPIRED


@pytest.mark.parametrize(
    "body",
    [
        b'{"iss": "%(iss)s", "aud": "x", "aud": "aiguillage"}',
        b'{"a": {"b": 1, "b": 2}}',
        b"[]",
        b'"text"',
        b"null",
        b"",
        b"{",
        b"\xff\xfe{}",
        '{"a": 1}'.encode("utf-16"),
        b'{"exp": NaN}',
        b'{"exp": Infinity}',
        b'{"exp": 1e999, "a": ' + b"1" * 5000 + b"}",
        b'{"a": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
    ids=range(13),
)
async def test_claims_that_two_readers_would_read_differently_are_refused(
    checked: Checked, issuer: ScriptedIssuer, body: bytes
) -> None:
    token = sign(body.replace(b"%(iss)s", issuer.url.encode()))

    assert await find_fault(checked, token) is TokenFault.MALFORMED


@pytest.mark.parametrize(
    "head",
    [
        b'{"alg": "none", "alg": "RS256", "kid": "r1"}',
        b'{"alg": "RS256", "kid": "x", "kid": "r1"}',
        b"[]",
        b"RS256",
        b'{"alg": "RS256", "kid": "r1", "padding": "' + b"x" * 2048 + b'"}',
    ],
    ids=range(5),
)
async def test_odd_headers_are_refused(
    checked: Checked, issuer: ScriptedIssuer, head: bytes
) -> None:
    token = f"{encode(head)}.{encode(build_claims(issuer.url))}.AAAA"

    assert await find_fault(checked, token) in {TokenFault.MALFORMED, TokenFault.ALGORITHM}


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a.b.c.d.e",
        "Bearer",
        "jeton",
        "é.é.é",
        " . . ",
        "eyJ.eyJ.",
        "x" * 8193,
        "x" * 100_000,
        "x.x." + "x" * 100_000,
        "\ud800.\ud800.\ud800",
        "e30.e30.e30=",
        "e3+.e3/.e30",
    ],
    ids=range(17),
)
async def test_what_is_no_token_is_refused(checked: Checked, token: str) -> None:
    assert await find_fault(checked, token) in {TokenFault.MALFORMED, TokenFault.ALGORITHM}


async def test_a_huge_token_is_refused_though_it_is_signed(
    checked: Checked, issuer: ScriptedIssuer
) -> None:
    huge = sign(build_claims(issuer.url, note="x" * 8192))

    assert await find_fault(checked, huge) is TokenFault.MALFORMED


async def test_a_token_within_a_token_is_refused(checked: Checked, issuer: ScriptedIssuer) -> None:
    inner = sign(build_claims(issuer.url))

    nested = sign(inner.encode(), cty="JWT")
    encrypted = f"{encode({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.AAAA.AAAA.AAAA.AAAA"
    assert await find_fault(checked, nested) is TokenFault.MALFORMED
    assert await find_fault(checked, encrypted) is TokenFault.MALFORMED


@pytest.mark.parametrize(
    ("stated", "required", "fault"),
    [
        ("JWT", None, None),
        ("jwt", None, None),
        (None, None, None),
        ("at+jwt", None, None),
        ("application/at+jwt", None, None),
        ("logout+jwt", None, TokenFault.MALFORMED),
        ("dpop+jwt", None, TokenFault.MALFORMED),
        ("secevent+jwt", None, TokenFault.MALFORMED),
        (1, None, TokenFault.MALFORMED),
        ("at+jwt", "at+jwt", None),
        ("AT+JWT", "at+jwt", None),
        ("application/at+jwt", "at+jwt", None),
        ("JWT", "at+jwt", TokenFault.MALFORMED),
        (None, "at+jwt", TokenFault.MALFORMED),
    ],
    ids=str,
)
async def test_the_type_of_a_token_is_checked(
    issuer: ScriptedIssuer,
    stated: object,
    required: Literal["at+jwt"] | None,
    fault: TokenFault | None,
) -> None:
    trusted = Issuer(url=issuer.url, audience=AUDIENCE, token_type=required)
    head = {"alg": "RS256", "kid": "r1", **({} if stated is None else {"typ": stated})}
    claims = build_claims(issuer.url)
    async with run_verifier([trusted]) as checked:
        if isinstance(stated, str) or stated is None:
            token = sign(claims, typ=stated)
        else:
            token = f"{encode(head)}.{encode(claims)}.AAAA"

        assert await find_fault(checked, token) is fault


@pytest.mark.parametrize(
    ("claims", "kind", "fault"),
    [
        ({"sub": "m-1", "client_id": "m-1", "email": None}, PrincipalKind.MACHINE, None),
        ({"sub": "m-1", "client_id": "m-1"}, PrincipalKind.MACHINE, None),
        ({"client_id": "m-1"}, PrincipalKind.USER, None),
        ({"client_id": "m-1", "email": None}, None, TokenFault.EMAIL),
        ({"sub": "m-1", "azp": "m-1", "email": None}, None, TokenFault.EMAIL),
    ],
    ids=range(5),
)
async def test_the_subject_of_a_machine_is_its_client(
    issuer: ScriptedIssuer,
    claims: dict[str, Any],
    kind: PrincipalKind | None,
    fault: TokenFault | None,
) -> None:
    trusted = Issuer(url=issuer.url, audience=AUDIENCE, machines=True)
    async with run_verifier([trusted]) as checked:
        token = sign(build_claims(issuer.url, scope="factures_de_travaux:modification", **claims))

        assert await find_fault(checked, token) is fault
        if fault is None:
            identity = await checked.verifier.verify(token)
            assert identity.kind is kind
            assert identity.client == "m-1"
            assert identity.scopes == {"factures_de_travaux:modification"}
            assert (identity.email is None) == (kind is PrincipalKind.MACHINE)


async def test_only_an_issuer_of_machines_signs_machines_in(
    checked: Checked, issuer: ScriptedIssuer
) -> None:
    token = sign(build_claims(issuer.url, sub="m-1", client_id="m-1", email=None))

    assert await find_fault(checked, token) is TokenFault.EMAIL


@pytest.mark.parametrize(
    ("acr", "fault"),
    [("eidas2", None), ("eidas3", None), ("eidas1", TokenFault.ACR), (None, TokenFault.ACR),
     (["eidas2"], TokenFault.ACR), (2, TokenFault.ACR)],
    ids=str,
)  # fmt: skip
async def test_a_weaker_way_of_signing_in_is_refused(
    issuer: ScriptedIssuer, acr: object, fault: TokenFault | None
) -> None:
    trusted = Issuer(url=issuer.url, audience=AUDIENCE, acr_values=frozenset({"eidas2", "eidas3"}))
    async with run_verifier([trusted]) as checked:
        assert await find_fault(checked, sign(build_claims(issuer.url, acr=acr))) is fault


async def test_an_issuer_may_name_the_claim_and_vouch_for_its_emails(
    issuer: ScriptedIssuer,
) -> None:
    trusted = Issuer(
        url=issuer.url, audience=AUDIENCE, email_claim="upn", trusts_unverified_email=True
    )
    async with run_verifier([trusted]) as checked:
        claims = build_claims(
            issuer.url, upn="j.martin@mairie.example", email=None, email_verified=None
        )
        assert (await checked.verifier.verify(sign(claims))).email == "j.martin@mairie.example"


@pytest.mark.parametrize("siret", ["21690123100012", "2169012310001", 21690123100011, None, ""])
async def test_a_siret_that_is_none_proves_nothing(
    checked: Checked, issuer: ScriptedIssuer, siret: object
) -> None:
    identity = await checked.verifier.verify(sign(build_claims(issuer.url, siret=siret)))

    assert identity.siret is None


async def test_an_issuer_proves_only_what_it_is_trusted_for(issuer: ScriptedIssuer) -> None:
    claims = build_claims(issuer.url, siret="21690123100011")
    plain = Issuer(url=issuer.url, audience=AUDIENCE)
    async with run_verifier([plain]) as checked:
        identity = await checked.verifier.verify(sign(claims))
        assert (identity.siret, identity.may_operate) == (None, False)
    async with run_verifier([plain.model_copy(update={"operators": True})]) as checked:
        identity = await checked.verifier.verify(sign(claims))
        assert (identity.siret, identity.may_operate) == (None, True)


async def test_a_name_is_one_line_that_can_be_shown(
    checked: Checked, issuer: ScriptedIssuer
) -> None:
    for stated in ("\u202eJeanne", "J" * 201, 12, "Jeanne\x00"):
        identity = await checked.verifier.verify(sign(build_claims(issuer.url, name=stated)))
        assert identity.name == ""


async def test_each_issuer_speaks_for_its_kinds() -> None:
    async with run_issuer() as state, run_issuer() as suppliers:
        state.publish(rsa_key("state"))
        suppliers.publish(rsa_key("suppliers"))
        trusted = [
            Issuer(url=state.url, audience="a", kinds=frozenset({StructureKind.PUBLIQUE})),
            Issuer(url=suppliers.url, audience="b", kinds=frozenset({StructureKind.PRIVEE})),
        ]
        async with run_verifier(trusted) as checked:
            public = await checked.verifier.verify(
                sign(build_claims(state.url, aud="a"), rsa_key("state"))
            )
            private = await checked.verifier.verify(
                sign(build_claims(suppliers.url, aud="b"), rsa_key("suppliers"))
            )

            assert public.kinds == {StructureKind.PUBLIQUE}
            assert private.kinds == {StructureKind.PRIVEE}
            # Neither may sign for the other, nor be taken for its audience.
            for claims, key, fault in (
                (build_claims(state.url, aud="a"), "suppliers", TokenFault.KEY_UNKNOWN),
                (build_claims(suppliers.url, aud="b"), "state", TokenFault.KEY_UNKNOWN),
                (build_claims(state.url, aud="b"), "state", TokenFault.AUDIENCE),
            ):
                assert await find_fault(checked, sign(claims, rsa_key(key))) is fault


async def test_nobody_is_trusted_without_an_issuer() -> None:
    async with run_verifier([]) as checked:
        token = sign(build_claims("http://127.0.0.1"))

        assert await find_fault(checked, token) is TokenFault.ISSUER
        assert await find_fault(checked, "x" * 40) is TokenFault.MALFORMED
