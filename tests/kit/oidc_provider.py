"""Real OpenID provider (npm's `oidc-provider`) in a process of its own, and a browser for it."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.integrations.httpx_client import AsyncOAuth2Client

from deploy.local.npm import copy_script
from deploy.local.programs import ROOT

SOURCE = ROOT / "tests" / "integration" / "access" / "provider"
REDIRECT = "http://127.0.0.1:9/callback"
"""Where the provider sends a browser back; nothing listens there."""
CLIENT, MACHINE, SECRET = "aiguillage", "logiciel", "secret"
SCOPE = "openid email profile siret"
_START_S = 30
_HOPS = 10


@dataclass(slots=True)
class Provider:
    """Provider that runs: its address, its commands, and who signs in at it."""

    url: str
    process: asyncio.subprocess.Process

    async def add_key(self) -> None:
        """Publish new keys, and sign by them from now on; the old ones stay published."""
        await self._command("add_key")

    async def remove_old_keys(self) -> None:
        """Publish no keys but the newest."""
        await self._command("remove_old_keys")

    async def set_clock(self, offset_s: int) -> None:
        """Set its clock so many seconds ahead."""
        await self._command("set_clock", offset_s=offset_s)

    async def set_account(self, email: str, **claims: object) -> None:
        """Set what it says of a person."""
        await self._command("set_account", email=email, claims=claims)

    async def stop(self) -> None:
        """Stop the provider."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def sign_in(self, email: str, client: str = CLIENT, **more: str) -> Mapping[str, Any]:
        """Sign a person in by the code flow with PKCE, as a browser and authlib's client do.

        Returns the answer of the token endpoint.
        """
        async with AsyncOAuth2Client(
            client,
            SECRET,
            scope=SCOPE,
            redirect_uri=REDIRECT,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a method
            code_challenge_method="S256",
            trust_env=False,
        ) as oauth:
            verifier = hashlib.sha256(os.urandom(32)).hexdigest()
            url, state = oauth.create_authorization_url(
                f"{self.url}/auth", code_verifier=verifier, nonce=os.urandom(8).hex(), **more
            )
            back = await self._browse(url, email)
            assert parse_qs(urlsplit(back).query)["state"] == [state]
            token: Mapping[str, Any] = await oauth.fetch_token(
                f"{self.url}/token", authorization_response=back, code_verifier=verifier
            )
            return token

    async def fetch_machine_token(self) -> str:
        """Fetch an access token by client credentials."""
        async with AsyncOAuth2Client(MACHINE, SECRET, trust_env=False) as oauth:
            token = await oauth.fetch_token(
                f"{self.url}/token",
                grant_type="client_credentials",
                scope="factures_de_travaux:modification",
            )
            return str(token["access_token"])

    async def _browse(self, url: str, email: str) -> str:
        """Follow the redirects of a sign-in to the address that ends it."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as browser:
            for _ in range(_HOPS):
                path = urlsplit(url).path
                if path.startswith("/interaction/"):
                    answer = await browser.post(url, params={"email": email})
                else:
                    answer = await browser.get(url)
                if answer.status_code not in (302, 303):
                    raise AssertionError(f"{path}: {answer.status_code} {answer.text}")
                url = answer.headers["location"]
                if url.startswith(REDIRECT):
                    return url
        raise AssertionError("the sign-in does not end")

    async def _command(self, name: str, **values: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": name, **values}).encode() + b"\n")
        assert json.loads(await self._read_line()) == {"done": name}

    async def _read_line(self) -> bytes:
        assert self.process.stdout is not None
        return await asyncio.wait_for(self.process.stdout.readline(), _START_S)


@asynccontextmanager
async def run_provider(**options: object) -> AsyncIterator[Provider]:
    """Run a provider within the block.

    Options: `signature` and `userinfo` (RS256, ES256), `jwt` (access tokens of people are JWTs
    and not opaque), `life_s` of access tokens, `port`.
    """
    script = await asyncio.to_thread(copy_script, SOURCE / "server.mjs")
    process = await asyncio.create_subprocess_exec(
        "node",
        str(script),
        json.dumps(options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    provider = Provider("", process)
    try:
        provider.url = (await provider._read_line()).decode().strip()  # noqa: SLF001
        assert provider.url.startswith("http://127.0.0.1:")
        yield provider
    finally:
        await provider.stop()
