"""Sign-in at a real OpenID provider: its tokens, its rotation of keys, its clock, its absence."""

import asyncio
import time
from collections import Counter

import httpx
import pytest

from shared.rights.model import PrincipalKind
from shared.runtime.clock import build_clock
from shared.runtime.tokens.faults import IssuerAwayError, TokenError, TokenFault
from shared.runtime.tokens.fetching import build_http
from shared.runtime.tokens.issuers import Issuer
from shared.runtime.tokens.key_sets import KeyTimes
from shared.runtime.tokens.verifier import TokenVerifier
from shared.vocabulary.structures import StructureKind
from tests.kit.oidc_provider import CLIENT, MACHINE, Provider, run_provider
from tests.kit.waiting import scale_timeout, wait_until

SIRET = "21690123100011"
TYPED = {"token_type": "at+jwt"}
EMAIL = "jeanne.martin@mairie.example"


def trust(provider: Provider, **changes: object) -> Issuer:
    return Issuer.model_validate(
        {"url": provider.url, "audience": CLIENT, "proves_siret": True, **changes}
    )


class Clocks:
    """Monotonic clock that a test moves ahead: a set of keys ages without waiting."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


def build(http: httpx.AsyncClient, *issuers: Issuer, clocks: Clocks | None = None) -> TokenVerifier:
    return TokenVerifier(
        issuers,
        http,
        build_clock(),
        skew_s=30,
        times=KeyTimes(stale_s=3600),
        monotonic=(clocks or Clocks()).monotonic,
    )


async def judge(verifier: TokenVerifier, token: str) -> str:
    try:
        await verifier.verify(token)
    except TokenError as error:
        return error.fault
    except IssuerAwayError:
        return "away"
    return "verified"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_person_signs_in_as_at_proconnect(algorithm: str) -> None:
    async with run_provider(userinfo=algorithm) as provider, build_http() as http:
        await provider.set_account(EMAIL, siret=SIRET)
        verifier = build(http, trust(provider, userinfo=True, acr_values=["eidas1"]))
        signed_in = await provider.sign_in(EMAIL, acr_values="eidas1")
        token = str(signed_in["access_token"])

        identity = await verifier.verify(token)

        assert token.count(".") != 2
        assert signed_in["expires_in"] == 60
        assert identity.kind is PrincipalKind.USER
        assert identity.email == EMAIL
        assert identity.name == "Jeanne Martin"
        assert identity.siret == SIRET
        assert identity.acr == "eidas1"
        # What proves the person to the client is no access token here.
        assert await judge(verifier, str(signed_in["id_token"])) != "verified"
        await verifier.close()


async def test_a_token_given_to_another_client_is_refused() -> None:
    async with run_provider() as provider, build_http() as http:
        verifier = build(http, trust(provider, userinfo=True))
        stolen = str((await provider.sign_in(EMAIL, "another"))["access_token"])

        assert await judge(verifier, stolen) is TokenFault.AUDIENCE
        await verifier.close()


async def test_a_weaker_way_of_signing_in_is_refused() -> None:
    async with run_provider() as provider, build_http() as http:
        verifier = build(http, trust(provider, userinfo=True, acr_values=["eidas2"]))
        token = str((await provider.sign_in(EMAIL))["access_token"])

        assert await judge(verifier, token) is TokenFault.ACR
        await verifier.close()


async def test_an_email_that_is_not_verified_is_refused() -> None:
    async with run_provider(jwt=True) as provider, build_http() as http:
        await provider.set_account(EMAIL, email_verified=False)
        verifier = build(http, trust(provider))
        token = str((await provider.sign_in(EMAIL))["access_token"])

        assert await judge(verifier, token) is TokenFault.EMAIL
        await verifier.close()


async def test_an_unknown_parameter_is_refused_as_proconnect_does() -> None:
    async with run_provider() as provider:
        with pytest.raises(AssertionError, match="unknown parameter resource"):
            await provider.sign_in(EMAIL, resource="urn:aiguillage")


async def test_an_opaque_token_ends_after_its_minute() -> None:
    async with run_provider(life_s=2) as provider, build_http() as http:
        verifier = build(http, trust(provider, userinfo=True))
        token = str((await provider.sign_in(EMAIL))["access_token"])
        await provider.set_clock(60)

        assert await judge(verifier, token) is TokenFault.EXPIRED
        await verifier.close()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_person_and_a_machine_have_signed_access_tokens(algorithm: str) -> None:
    async with run_provider(jwt=True, signature=algorithm) as provider, build_http() as http:
        await provider.set_account(EMAIL, siret=SIRET)
        verifier = build(http, trust(provider, machines=True, **TYPED))

        person = await verifier.verify(str((await provider.sign_in(EMAIL))["access_token"]))
        machine = await verifier.verify(await provider.fetch_machine_token())

        assert (person.kind, person.email, person.siret) == (PrincipalKind.USER, EMAIL, SIRET)
        assert (machine.kind, machine.client) == (PrincipalKind.MACHINE, MACHINE)
        assert machine.scopes == {"factures_de_travaux:modification"}
        assert machine.email is None
        await verifier.close()


@pytest.mark.parametrize(
    ("offset_s", "expected"),
    [
        (20, "verified"),
        (40, TokenFault.NOT_YET),
        (-80, "verified"),
        (-100, TokenFault.EXPIRED),
    ],
)
async def test_the_clock_of_an_issuer_may_differ_by_the_skew(offset_s: int, expected: str) -> None:
    async with run_provider() as provider, build_http() as http:
        verifier = build(http, trust(provider, machines=True))
        await provider.set_clock(offset_s)

        # A token of 60 s, and 30 s of skew.
        assert await judge(verifier, await provider.fetch_machine_token()) == expected
        await verifier.close()


async def test_a_rotation_refuses_no_token_of_a_published_key_while_requests_flow() -> None:
    async with run_provider() as provider, build_http() as http:
        verifier = build(http, trust(provider, machines=True))
        seen: Counter[str] = Counter()
        is_over = False

        async def send_requests() -> None:
            while not is_over:
                seen[await judge(verifier, await provider.fetch_machine_token())] += 1

        async with asyncio.timeout(scale_timeout(60)), asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(send_requests())
            for rotations in range(4):
                if rotations:
                    await provider.add_key()
                enough = seen.total() + 15
                await wait_until(lambda: seen.total() >= enough, "tokens of the new keys", 30)  # noqa: B023
            is_over = True

        print(f"rotation: {seen.total()} tokens over four sets of keys, {dict(seen)}")
        assert set(seen) == {"verified"}
        await verifier.close()


async def test_a_removed_key_refuses_its_tokens_remembered_ones_too() -> None:
    async with run_provider() as provider, build_http() as http:
        clocks = Clocks()
        verifier = build(http, trust(provider, machines=True), clocks=clocks)
        before = await provider.fetch_machine_token()
        assert await judge(verifier, before) == "verified"

        await provider.add_key()
        after = await provider.fetch_machine_token()
        assert await judge(verifier, after) == "verified"
        assert await judge(verifier, before) == "verified"

        await provider.remove_old_keys()
        clocks.ahead_s = 301
        assert await judge(verifier, before) is TokenFault.KEY_UNKNOWN
        assert await judge(verifier, after) == "verified"
        await verifier.close()


async def test_known_keys_go_on_when_the_provider_has_stopped() -> None:
    async with run_provider(life_s=6000) as provider, build_http() as http:
        clocks = Clocks()
        verifier = build(http, trust(provider, machines=True), clocks=clocks)
        known, unseen = [await provider.fetch_machine_token() for _ in range(2)]
        assert await judge(verifier, known) == "verified"

        await provider.stop()
        for ahead_s in (0, 400, 1800, 3500):
            clocks.ahead_s = ahead_s
            assert await judge(verifier, known) == "verified"
        assert await judge(verifier, unseen) == "verified"
        clocks.ahead_s = 3700
        assert await judge(verifier, known) == "away"
        await verifier.close()


async def test_several_issuers_each_speak_for_their_kinds() -> None:
    async with (
        run_provider() as state,
        run_provider(jwt=True) as suppliers,
        build_http() as http,
    ):
        verifier = build(
            http,
            trust(state, userinfo=True, kinds=["PUBLIQUE"]),
            trust(suppliers, kinds=["PRIVEE"], machines=True),
        )
        official = str((await state.sign_in(EMAIL))["access_token"])
        supplier = str((await suppliers.sign_in("paul@entreprise.example"))["access_token"])

        assert (await verifier.verify(official)).kinds == {StructureKind.PUBLIQUE}
        assert (await verifier.verify(supplier)).kinds == {StructureKind.PRIVEE}
        # A machine of an issuer that signs no machine in.
        assert await judge(verifier, await state.fetch_machine_token()) != "verified"

        await state.stop()
        assert await judge(verifier, "k" * 40) == "away"
        assert await judge(verifier, await suppliers.fetch_machine_token()) == "verified"
        await verifier.close()
