"""HTTP client of issuers: bounded in size and time, without redirects."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from shared.runtime.authorities import load_authorities

ANSWER_LIMIT = 256 * 1024
"""Size limit of an issuer's answer, in bytes."""


class FetchError(Exception):
    """The issuer did not answer, or answered what cannot be used."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer of an issuer, read whole."""

    status: int
    type: str
    text: str


def build_http() -> httpx.AsyncClient:
    """Build the HTTP client of issuers."""
    return httpx.AsyncClient(
        verify=load_authorities(),
        follow_redirects=False,
        trust_env=False,
        headers={"Accept-Encoding": "identity"},
    )


class Fetcher:
    """Fetches a document of an issuer within a timeout and a size limit."""

    def __init__(self, http: httpx.AsyncClient, timeout_s: float) -> None:
        """Use this client; `timeout_s` bounds a whole fetch, however slowly the answer comes."""
        self._http = http
        self._timeout_s = timeout_s

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch a document. Raises FetchError, whatever is wrong with the network or the answer."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream(
                    "GET", url, headers=dict(headers or {}), timeout=self._timeout_s,
                    follow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise FetchError("the answer is compressed, which was not asked for")
                body = await _read_bounded(answer)
                kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Answer(answer.status_code, kind, body.decode())
        except TimeoutError:
            raise FetchError(f"no answer within {self._timeout_s:g} s") from None
        except UnicodeDecodeError:
            raise FetchError("the answer is not UTF-8") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise FetchError(type(error).__name__) from error


async def _read_bounded(answer: httpx.Response) -> bytes:
    read = bytearray()
    async for chunk in answer.aiter_raw():
        read += chunk
        if len(read) > ANSWER_LIMIT:
            raise FetchError(f"an answer over {ANSWER_LIMIT} bytes")
    return bytes(read)
