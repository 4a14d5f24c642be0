"""People who sign in for real, over HTTP; and the mails that they get."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

from tests.kit.access import AccessKit
from tests.kit.waiting import scale_timeout, wait_until

Json = dict[str, Any]


@dataclass(frozen=True)
class Signed:
    """A person who is signed in, and acts for a structure or for none."""

    http: httpx.AsyncClient
    kit: AccessKit
    email: str
    structure: str | None = None
    siret: str | None = None

    async def send(self, method: str, path: str, **with_: Any) -> httpx.Response:  # noqa: ANN401
        """Send a request."""
        headers = {
            **self.kit.authorize(self.email, self.email.partition("@")[0], siret=self.siret),
            **({"X-Structure": self.structure} if self.structure else {}),
            **with_.pop("headers", {}),
        }
        return await self.http.request(method, path, headers=headers, **with_)

    async def do(self, method: str, path: str, **with_: Any) -> Json:  # noqa: ANN401
        """Do what is possible, once the service knows the rights of the person."""
        response = await self.send(method, path, **with_)

        async def is_known() -> bool:
            nonlocal response
            if response.json().get("code", "").startswith("HTTP-DROIT"):
                response = await self.send(method, path, **with_)
            return not response.json().get("code", "").startswith("HTTP-DROIT")

        await wait_until(is_known, f"{self.email} may {method} {path}", scale_timeout(10))
        assert response.status_code in {200, 201}, response.text
        done: Json = response.json()
        return done

    async def fail(self, method: str, path: str, **with_: Any) -> tuple[int, str]:  # noqa: ANN401
        """Send what is refused. Returns the status and the code."""
        response = await self.send(method, path, **with_)
        assert response.status_code >= 400, response.text
        return response.status_code, response.json()["code"]


def read_mails(mailbox: Path, to: str) -> Sequence[EmailMessage]:
    """Read the mails that an address got, oldest first."""
    files = sorted((mailbox / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
    return [each for each in mails if isinstance(each, EmailMessage) and to in str(each["To"])]


async def wait_for_token(mailbox: Path, to: str, number: int = 1) -> str:
    """Wait for the mail of this rank to an address, and read the token of its link."""
    await wait_until(lambda: len(read_mails(mailbox, to)) >= number, f"mail {number} to {to}", 30)
    text = str(read_mails(mailbox, to)[number - 1].get_content())
    found = re.search(r"#([\w-]{43})\s", text)
    assert found is not None, text
    return found[1]
