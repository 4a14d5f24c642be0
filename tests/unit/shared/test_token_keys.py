"""JWKS cache: rotation, removal, an issuer that is away, slow or answers wrongly."""

import asyncio
import json
import time
from collections.abc import Mapping

import pytest

from shared.runtime.tokens.faults import IssuerAwayError, TokenError, TokenFault
from shared.runtime.tokens.issuers import Issuer
from tests.kit.scripted_issuer import DISCOVERY, Reply, run_issuer
from tests.kit.signed_tokens import (
    AUDIENCE,
    Checked,
    RealTimes,
    build_claims,
    ec_key,
    encode,
    rsa_key,
    run_verifier,
    sign,
)
from tests.kit.waiting import wait_until

R1, R2, SHORT = rsa_key("r1"), rsa_key("r2"), rsa_key("short", 1024)


async def judge(checked: Checked, token: str) -> str:
    """Give what becomes of a token: `verified`, its fault, or `away`."""
    try:
        await checked.verifier.verify(token)
    except TokenError as error:
        return error.fault
    except IssuerAwayError as error:
        return "away" if error.retry_after_s >= 1 else "away, retry at once"
    return "verified"


def long_token(issuer: str, key: object = R1, **changes: object) -> str:
    """Sign a token that lasts longer than any test."""
    claims = build_claims(issuer, exp=4_000_000_000, **changes)
    return sign(claims, key)  # type: ignore[arg-type]


async def test_keys_are_fetched_once_for_many_tokens() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            tokens = [long_token(issuer.url, sub=str(each)) for each in range(20)]
            issuer.gate.clear()
            asking = [asyncio.create_task(judge(checked, each)) for each in tokens]
            await asyncio.sleep(0.05)
            # One that goes away meanwhile takes nobody's answer with it.
            asking[0].cancel()
            issuer.gate.set()
            found = await asyncio.gather(*asking, return_exceptions=True)

            assert found[1:] == ["verified"] * 19
            assert issuer.asked == [DISCOVERY, "/jwks"]


async def test_configured_addresses_need_no_discovery() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url="https://a.example", audience=AUDIENCE, jwks_url=f"{issuer.url}/jwks")
        async with run_verifier([trusted]) as checked:
            assert await judge(checked, long_token("https://a.example")) == "verified"
            assert issuer.asked == ["/jwks"]


async def test_a_new_key_is_found_at_once_and_a_removed_one_within_the_time_to_live() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            before = long_token(issuer.url)
            after = long_token(issuer.url, R2)
            assert await judge(checked, before) == "verified"

            issuer.publish(R1, R2)
            assert await judge(checked, after) == "verified"
            assert await judge(checked, before) == "verified"

            issuer.publish(R2)
            checked.times.pass_by(299)
            await judge(checked, after)
            checked.times.pass_by(300)
            # Verified before, and refused: the key of a remembered token is looked at each time.
            assert await judge(checked, before) is TokenFault.KEY_UNKNOWN
            assert await judge(checked, after) == "verified"


async def test_an_invented_key_id_refuses_no_token_of_a_key_published_since() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], RealTimes(), refetch_s=0.4) as checked:
            junk = long_token(issuer.url, rsa_key("r2"), sub="junk")
            invented = sign(build_claims(issuer.url), R1, kid="invented")
            assert await judge(checked, long_token(issuer.url)) == "verified"
            assert await judge(checked, invented) is TokenFault.KEY_UNKNOWN
            asked = issuer.count("/jwks")

            # The interval of fetches has just begun: the token waits for the next one.
            issuer.publish(R1, R2)
            began = time.monotonic()
            assert await judge(checked, junk) == "verified"
            assert time.monotonic() - began > 0.1
            assert issuer.count("/jwks") == asked + 1


async def test_a_fetch_that_began_before_a_token_came_does_not_refuse_it() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], RealTimes(), refetch_s=0.2) as checked:
            assert await judge(checked, long_token(issuer.url)) == "verified"
            await asyncio.sleep(0.25)
            issuer.gate.clear()
            invented = sign(build_claims(issuer.url), R1, kid="invented")
            first = asyncio.create_task(judge(checked, invented))
            await wait_until(lambda: issuer.count("/jwks") == 2, "the keys are being fetched")
            issuer.publish(R1, R2)
            second = asyncio.create_task(judge(checked, long_token(issuer.url, R2)))
            await asyncio.sleep(0.05)
            issuer.gate.set()

            assert await first is TokenFault.KEY_UNKNOWN
            assert await second == "verified"


async def test_an_id_that_was_looked_for_is_refused_without_another_fetch() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], RealTimes(), refetch_s=0.3) as checked:
            for sub in range(5):
                invented = sign(build_claims(issuer.url, sub=str(sub)), R1, kid="invented")
                assert await judge(checked, invented) is TokenFault.KEY_UNKNOWN

            assert issuer.count("/jwks") == 2


async def test_invented_ids_fetch_at_most_once_an_interval() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], RealTimes(), refetch_s=0.3) as checked:
            claims = build_claims(issuer.url)
            invented = [sign(claims, R1, kid=f"i{each}") for each in range(50)]
            found = await asyncio.gather(*(judge(checked, each) for each in invented))

            assert set(found) == {TokenFault.KEY_UNKNOWN}
            assert issuer.count("/jwks") <= 3


async def test_more_waiting_requests_than_the_limit_are_told_to_retry() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], RealTimes(), refetch_s=0.3) as checked:
            assert await judge(checked, long_token(issuer.url)) == "verified"
            claims = build_claims(issuer.url)
            invented = [sign(claims, R1, kid=f"i{each}") for each in range(260)]
            found = await asyncio.gather(*(judge(checked, each) for each in invented))

            assert found.count(TokenFault.KEY_UNKNOWN) == 200
            assert found.count("away") == 60


async def test_known_keys_go_on_for_a_bounded_time_when_the_issuer_is_away() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], refetch_s=5) as checked:
            known = long_token(issuer.url)
            assert await judge(checked, known) == "verified"
            issuer.replies["/jwks"] = None

            for _ in range(11):
                checked.times.pass_by(320)
                assert await judge(checked, known) == "verified"
                assert await judge(checked, long_token(issuer.url, sub="new")) == "verified"
            checked.times.pass_by(100)
            assert await judge(checked, known) == "away"
            assert await judge(checked, long_token(issuer.url, sub="newer")) == "away"

            # Back again: the next interval finds it, and the same token is verified.
            issuer.publish(R1)
            checked.times.pass_by(5)
            assert await judge(checked, known) == "verified"


async def test_while_the_issuer_fails_nobody_waits_for_it() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], timeout_s=0.5, refetch_s=5) as checked:
            assert await judge(checked, long_token(issuer.url)) == "verified"
            issuer.gate.clear()
            checked.times.pass_by(320)
            assert await judge(checked, long_token(issuer.url, sub="waits")) == "verified"
            for _ in range(5):
                checked.times.pass_by(5)
                began = time.monotonic()
                assert await judge(checked, long_token(issuer.url, sub="goes on")) == "verified"
                assert time.monotonic() - began < 0.4
            issuer.gate.set()


async def test_an_unknown_key_of_an_issuer_that_is_away_is_no_refusal() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted]) as checked:
            assert await judge(checked, long_token(issuer.url)) == "verified"
            issuer.replies["/jwks"] = None

            assert await judge(checked, long_token(issuer.url, R2)) == "away"
            assert await judge(checked, long_token(issuer.url)) == "verified"


WRONG = {
    "gone": None,
    "html": Reply(b"<!doctype html><title>503</title>", type="text/html"),
    "html as json": Reply(b"<!doctype html>"),
    "no keys": Reply(b'{"clefs": []}'),
    "keys are no list": Reply(b'{"keys": {"kid": "r1"}}'),
    "a list": Reply(b"[]"),
    "doubled": Reply(b'{"keys": [], "keys": []}'),
    "500": Reply(status="500 Internal Server Error"),
    "404": Reply(status="404 Not Found"),
    "not utf-8": Reply(b"\xff\xfe"),
    "ten megabytes": Reply(json.dumps({"keys": [R1.as_dict()]}).encode(), padding=10 * 2**20),
    "deep": Reply(b"[" * 100_000),
    "compressed": Reply(b"x", headers=("content-encoding: gzip",)),
    "drips": Reply(json.dumps({"keys": [R1.as_dict()]}).encode(), byte_s=0.02),
}


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
@pytest.mark.parametrize("wrong", list(WRONG))
async def test_a_wrong_answer_is_an_issuer_that_is_away(path: str, wrong: str) -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        right = issuer.replies[path]
        issuer.replies[path] = WRONG[wrong]
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], timeout_s=1) as checked:
            began = time.monotonic()
            assert await judge(checked, long_token(issuer.url)) == "away"
            assert time.monotonic() - began < 5

            issuer.replies[path] = right
            assert await judge(checked, long_token(issuer.url)) == "verified"


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
async def test_a_redirect_is_not_followed(path: str) -> None:
    async with run_issuer() as thief, run_issuer() as issuer:
        thief.publish(R1)
        issuer.publish(R1)
        target = f"location: {thief.url}{path}"
        issuer.replies[path] = Reply(status="302 Found", headers=(target,))
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            assert await judge(checked, long_token(issuer.url)) == "away"
        assert thief.asked == []


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://another.example"},
        {"issuer": None},
        {"jwks_uri": "http://keys.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://jwks"},
        {"jwks_uri": 12},
    ],
    ids=str,
)
async def test_a_discovery_document_of_another_issuer_is_not_used(
    changes: dict[str, object],
) -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        document = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks", **changes}
        issuer.reply_json(DISCOVERY, document)
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            assert await judge(checked, long_token(issuer.url)) == "away"


async def test_a_slow_issuer_takes_its_timeout_and_no_more() -> None:
    async with run_issuer() as issuer:
        issuer.gate.clear()
        trusted = Issuer(url=issuer.url, audience=AUDIENCE)
        async with run_verifier([trusted], timeout_s=0.3) as checked:
            began = time.monotonic()
            found = await asyncio.gather(
                *(judge(checked, long_token(issuer.url, sub=str(each))) for each in range(10))
            )

            assert set(found) == {"away"}
            assert time.monotonic() - began < 3
        issuer.gate.set()


async def test_keys_that_verify_no_signature_are_left_out() -> None:
    good = R1.as_dict(private=False)
    private = R2.as_dict(private=True)
    others: list[Mapping[str, object]] = [
        {**rsa_key("enc").as_dict(private=False), "use": "enc"},
        {**rsa_key("ops").as_dict(private=False), "use": "sig", "key_ops": ["encrypt"]},
        SHORT.as_dict(private=False),
        private,
        {"kty": "oct", "k": "AAAA", "kid": "secret"},
        {"kty": "quantum", "kid": "q"},
        {"kty": "RSA", "kid": "n", "n": "", "e": "AQAB"},
        {"kty": "RSA", "kid": "e", "n": good["n"], "e": "AA"},
        {"kty": "EC", "kid": "c", "crv": "P-257", "x": "AA", "y": "AA"},
        {"kty": "EC", "kid": "off the curve", "crv": "P-256", "x": "AA", "y": "AA"},
        {},
    ]
    async with run_issuer() as issuer:
        listed = [*others, "text", None, 12, [good], good]
        issuer.reply_json("/jwks", {"keys": listed})
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            assert await judge(checked, long_token(issuer.url)) == "verified"
            for key in (rsa_key("enc"), rsa_key("ops"), SHORT, R2):
                token = long_token(issuer.url, key)
                assert await judge(checked, token) is TokenFault.KEY_UNKNOWN, key.kid


async def test_a_published_key_of_512_bits_is_left_out() -> None:
    # A modulus of 512 bits, written by hand: the library makes none.
    tiny = {"kty": "RSA", "kid": "tiny", "e": "AQAB", "n": encode(b"\xc1" + b"\x01" * 62 + b"\x03")}
    async with run_issuer() as issuer:
        issuer.publish(R1, more=[tiny])
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            head = encode({"alg": "RS256", "kid": "tiny"})
            token = f"{head}.{encode(build_claims(issuer.url))}.{encode(b'x' * 64)}"

            assert await judge(checked, token) is TokenFault.KEY_UNKNOWN
            assert await judge(checked, long_token(issuer.url)) == "verified"


async def test_two_keys_of_one_id_are_both_tried() -> None:
    second = rsa_key("second")
    as_first = {**second.as_dict(private=False), "kid": "r1"}
    curve = {**ec_key("curve").as_dict(private=False), "kid": "r1"}
    async with run_issuer() as issuer:
        issuer.publish(R1, more=[curve, as_first])
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            claims = build_claims(issuer.url)
            for key in (R1, second, ec_key("curve")):
                assert await judge(checked, sign(claims, key, kid="r1")) == "verified"
            forged = sign(claims, rsa_key("r3"), kid="r1")
            assert await judge(checked, forged) is TokenFault.SIGNATURE


async def test_a_token_without_a_key_id_is_tried_by_all_keys_newer_ones_too() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1, ec_key())
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            claims = build_claims(issuer.url)
            assert await judge(checked, sign(claims, R1, kid=None)) == "verified"
            assert await judge(checked, sign(claims, ec_key(), kid=None)) == "verified"
            assert await judge(checked, sign(claims, R2, kid=None)) is TokenFault.SIGNATURE

            issuer.publish(R1, R2)
            assert await judge(checked, sign(claims, R2, kid=None)) == "verified"


async def test_a_key_verifies_only_the_algorithm_that_it_declares() -> None:
    declared = {**R1.as_dict(private=False), "alg": "RS512"}
    async with run_issuer() as issuer:
        issuer.reply_json("/jwks", {"keys": [declared]})
        trusted = Issuer(
            url=issuer.url, audience=AUDIENCE, algorithms=frozenset({"RS256", "RS512"})
        )
        async with run_verifier([trusted]) as checked:
            claims = build_claims(issuer.url)
            assert await judge(checked, sign(claims, R1)) is TokenFault.KEY_UNKNOWN
            assert await judge(checked, sign(claims, R1, "RS512")) == "verified"


async def test_all_keys_removed_is_an_answer() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            token = long_token(issuer.url)
            assert await judge(checked, token) == "verified"
            issuer.publish()
            checked.times.pass_by(301)
            assert await judge(checked, token) is TokenFault.KEY_UNKNOWN


async def test_keys_are_fetched_before_they_are_old_and_nobody_waits() -> None:
    async with run_issuer() as issuer:
        issuer.publish(R1)
        async with run_verifier(
            [Issuer(url=issuer.url, audience=AUDIENCE)], refetch_s=5
        ) as checked:
            assert await judge(checked, long_token(issuer.url)) == "verified"
            checked.times.pass_by(241)
            issuer.gate.clear()
            assert await judge(checked, long_token(issuer.url, sub="other")) == "verified"
            issuer.gate.set()
            await wait_until(lambda: issuer.count("/jwks") == 2, "the keys are fetched again")


async def test_remembered_tokens_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.tokens.verifier._KNOWN_LIMIT", 3)
    async with run_issuer() as issuer:
        issuer.publish(R1)
        async with run_verifier([Issuer(url=issuer.url, audience=AUDIENCE)]) as checked:
            for sub in range(10):
                assert await judge(checked, long_token(issuer.url, sub=str(sub))) == "verified"

            assert len(checked.verifier._known) == 3  # noqa: SLF001
