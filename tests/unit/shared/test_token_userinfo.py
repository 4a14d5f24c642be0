"""Opaque tokens, as of ProConnect: what their issuer's userinfo says, and for how long it holds."""

import asyncio
import json
import logging

import pytest

from shared.runtime.tokens.faults import IssuerAwayError, TokenError, TokenFault
from shared.runtime.tokens.issuers import Issuer
from tests.kit.scripted_issuer import DISCOVERY, Reply, ScriptedIssuer, run_issuer
from tests.kit.signed_tokens import (
    AUDIENCE,
    NOW_S,
    Checked,
    build_claims,
    ec_key,
    rsa_key,
    run_verifier,
    sign,
)

OPAQUE = "7Kq-w2_nL.v~0+p/3xQzR8mB5"


def trust(issuer: ScriptedIssuer, **changes: object) -> Issuer:
    return Issuer.model_validate(
        {"url": issuer.url, "audience": AUDIENCE, "userinfo": True, "proves_siret": True, **changes}
    )


def reply_signed(issuer: ScriptedIssuer, token: str) -> None:
    issuer.replies["/userinfo"] = Reply(token.encode(), type="application/jwt; charset=utf-8")


def build_userinfo(issuer: str, **changes: object) -> dict[str, object]:
    """Build what ProConnect signs: no `email_verified`, a SIRET, the names under its own claims."""
    return build_claims(
        issuer,
        **{
            "email_verified": None,
            "given_name": "Jeanne",
            "usual_name": "Martin",
            "siret": "21690123100011",
            "acr": "eidas1",
            "exp": None,
            **changes,
        },
    )


async def judge(checked: Checked, token: str = OPAQUE) -> str:
    try:
        await checked.verifier.verify(token)
    except TokenError as error:
        return error.fault
    except IssuerAwayError:
        return "away"
    return "verified"


@pytest.mark.parametrize("key", [rsa_key(), ec_key()], ids=["RS256", "ES256"])
async def test_a_signed_userinfo_says_whose_an_opaque_token_is(key: object) -> None:
    async with run_issuer() as issuer:
        issuer.publish(rsa_key(), ec_key())
        reply_signed(issuer, sign(build_userinfo(issuer.url), key))  # type: ignore[arg-type]
        async with run_verifier([trust(issuer)]) as checked:
            identity = await checked.verifier.verify(OPAQUE)

            assert identity.email == "jeanne.martin@mairie.example"
            assert identity.name == "Jeanne Martin"
            assert identity.siret == "21690123100011"
            assert identity.acr == "eidas1"
            assert identity.expires_at == checked.times.now.replace(minute=1)
            assert issuer.credentials == [f"Bearer {OPAQUE}"]


async def test_an_answer_holds_for_a_minute_and_requests_share_it() -> None:
    async with run_issuer() as issuer:
        issuer.publish(rsa_key())
        reply_signed(issuer, sign(build_userinfo(issuer.url)))
        async with run_verifier([trust(issuer)]) as checked:
            issuer.gate.clear()
            asking = [asyncio.create_task(judge(checked)) for _ in range(10)]
            await asyncio.sleep(0.05)
            asking[0].cancel()
            issuer.gate.set()
            found = await asyncio.gather(*asking, return_exceptions=True)
            assert found[1:] == ["verified"] * 9
            checked.times.pass_by(59)
            assert await judge(checked) == "verified"
            assert issuer.count("/userinfo") == 1

            checked.times.pass_by(1)
            assert await judge(checked) == "verified"
            assert issuer.count("/userinfo") == 2


async def test_an_answer_never_holds_past_its_own_expiry() -> None:
    async with run_issuer() as issuer:
        issuer.publish(rsa_key())
        reply_signed(issuer, sign(build_userinfo(issuer.url, exp=NOW_S + 10)))
        async with run_verifier([trust(issuer)]) as checked:
            identity = await checked.verifier.verify(OPAQUE)
            assert int(identity.expires_at.timestamp()) == NOW_S + 10
            checked.times.pass_by(10)
            await judge(checked)
            assert issuer.count("/userinfo") == 2
            checked.times.pass_by(40)
            assert await judge(checked) is TokenFault.EXPIRED


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "400 Bad Request"])
async def test_a_token_that_its_issuer_does_not_take_is_refused(status: str) -> None:
    async with run_issuer() as issuer:
        issuer.publish(rsa_key())
        issuer.replies["/userinfo"] = Reply(b'{"error": "invalid_token"}', status)
        async with run_verifier([trust(issuer)]) as checked:
            for _ in range(3):
                assert await judge(checked) is TokenFault.EXPIRED
            # Who sends it again and again makes us ask once a minute.
            assert issuer.count("/userinfo") == 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"aud": "another-client"}, TokenFault.AUDIENCE),
        ({"aud": None}, TokenFault.AUDIENCE),
        ({"aud": ["another-client"]}, TokenFault.AUDIENCE),
        ({"aud": ["another-client", AUDIENCE]}, "verified"),
        ({"iss": "https://another.example"}, TokenFault.ISSUER),
        ({"iss": None}, TokenFault.ISSUER),
        ({"sub": None}, TokenFault.MALFORMED),
        ({"email": None}, TokenFault.EMAIL),
        ({"email_verified": False}, TokenFault.EMAIL),
        ({"email_verified": True}, "verified"),
        ({"exp": NOW_S - 31}, TokenFault.EXPIRED),
        ({"exp": "soon"}, TokenFault.MALFORMED),
        ({"iat": NOW_S + 31}, TokenFault.NOT_YET),
        ({"acr": "eidas0"}, TokenFault.ACR),
        ({"acr": None}, TokenFault.ACR),
    ],
    ids=str,
)
async def test_a_signed_userinfo_is_checked_as_a_token_is(
    changes: dict[str, object], fault: str
) -> None:
    async with run_issuer() as issuer:
        issuer.publish(rsa_key())
        reply_signed(issuer, sign(build_userinfo(issuer.url, **changes)))
        trusted = trust(issuer, acr_values=["eidas1", "eidas2"])
        async with run_verifier([trusted]) as checked:
            assert await judge(checked) == fault


async def test_a_forged_userinfo_is_refused() -> None:
    async with run_issuer() as issuer:
        issuer.publish(rsa_key())
        claims = build_userinfo(issuer.url)
        forged = {
            sign(claims, rsa_key("forged"), kid="r1"): TokenFault.SIGNATURE,
            sign(claims, rsa_key("forged")): TokenFault.KEY_UNKNOWN,
            "eyJhbGciOiJub25lIn0.e30.": TokenFault.ALGORITHM,
            "text": TokenFault.MALFORMED,
        }
        async with run_verifier([trust(issuer)]) as checked:
            for each, (answer, fault) in enumerate(forged.items()):
                reply_signed(issuer, answer)
                assert await judge(checked, f"{OPAQUE}{each}") is fault


async def test_a_plain_userinfo_must_name_its_audience() -> None:
    async with run_issuer() as issuer, run_verifier([trust(issuer)]) as checked:
        issuer.reply_json("/userinfo", build_userinfo(issuer.url, iss=None))
        assert await judge(checked) == "verified"
        issuer.reply_json("/userinfo", build_userinfo(issuer.url, aud=None))
        assert await judge(checked, OPAQUE + "1") is TokenFault.AUDIENCE
        issuer.reply_json("/userinfo", build_userinfo("https://another.example"))
        assert await judge(checked, OPAQUE + "2") is TokenFault.ISSUER


@pytest.mark.parametrize(
    "reply",
    [
        None,
        Reply(b"<!doctype html>", type="text/html"),
        Reply(b"<!doctype html>"),
        Reply(b"[]"),
        Reply(status="500 Internal Server Error"),
        Reply(status="302 Found", headers=("location: http://127.0.0.1:9/",)),
        Reply(b"{}", padding=10 * 2**20),
        Reply(json.dumps({"sub": "u-1"}).encode(), byte_s=0.2),
    ],
    ids=range(8),
)
async def test_a_wrong_answer_is_an_issuer_that_is_away(reply: Reply | None) -> None:
    async with run_issuer() as issuer:
        issuer.publish(rsa_key())
        issuer.replies["/userinfo"] = reply
        async with run_verifier([trust(issuer)], timeout_s=1) as checked:
            assert await judge(checked) == "away"

            reply_signed(issuer, sign(build_userinfo(issuer.url)))
            assert await judge(checked) == "verified"
            # For a minute the issuer need not be there.
            issuer.replies.update({"/userinfo": None, "/jwks": None, DISCOVERY: None})
            checked.times.pass_by(59)
            assert await judge(checked) == "verified"
            checked.times.pass_by(1)
            assert await judge(checked) == "away"


@pytest.mark.parametrize("token", ["", "short", "with blanks in it, many", "é" * 20, "x" * 8193])
async def test_what_cannot_be_a_token_is_not_shown_to_the_issuer(token: str) -> None:
    async with run_issuer() as issuer, run_verifier([trust(issuer)]) as checked:
        assert await judge(checked, token) is TokenFault.MALFORMED
        assert issuer.asked == []


async def test_a_jwt_of_another_issuer_is_not_shown_to_this_one() -> None:
    async with run_issuer() as issuer, run_issuer() as other:
        other.publish(rsa_key())
        signing = Issuer(url=other.url, audience=AUDIENCE)
        async with run_verifier([trust(issuer), signing]) as checked:
            assert await judge(checked, sign(build_claims(other.url))) == "verified"
            elsewhere = sign(build_claims("https://elsewhere.example"))
            assert await judge(checked, elsewhere) is TokenFault.ISSUER
            assert issuer.asked == []


async def test_a_jwt_of_an_issuer_with_userinfo_is_shown_to_it() -> None:
    async with run_issuer() as issuer:
        issuer.publish(rsa_key())
        reply_signed(issuer, sign(build_userinfo(issuer.url)))
        async with run_verifier([trust(issuer)]) as checked:
            assert await judge(checked, sign({"iss": issuer.url})) == "verified"
            assert issuer.count("/userinfo") == 1


async def test_invented_tokens_ask_a_bounded_number_of_times_at_once() -> None:
    async with run_issuer() as issuer:
        issuer.replies["/userinfo"] = Reply(status="401 Unauthorized")
        async with run_verifier([trust(issuer)]) as checked:
            issuer.gate.clear()
            asking = [asyncio.create_task(judge(checked, f"{OPAQUE}{each}")) for each in range(600)]
            await asyncio.sleep(0.3)
            assert issuer.count(DISCOVERY) <= 20
            issuer.gate.set()
            found = await asyncio.gather(*asking)

            assert found.count("away") == 100
            assert found.count(TokenFault.EXPIRED) == 500


async def test_no_log_line_holds_a_token(caplog: pytest.LogCaptureFixture) -> None:
    async with run_issuer() as issuer:
        issuer.replies["/userinfo"] = None
        async with run_verifier([trust(issuer)]) as checked:
            with caplog.at_level(logging.DEBUG):
                assert await judge(checked) == "away"

        assert OPAQUE not in caplog.text
