"""What is sent with a key and without an account: counted first, read beside the event loop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NoReturn

import pytest

from services.support.access.application.rate_limits import AnonymousLimits
from services.support.access.domain.parties import Issuer
from services.support.settings import DATA, load_catalogue
from services.support.tickets.application.outcomes import RateLimited
from services.support.tickets.application.ports import TicketPorts
from services.support.tickets.application.submissions import Submissions
from services.support.tickets.domain.tickets import Content
from shared.application import uploads
from shared.application.idempotency import build_key

ADDRESS = "192.0.2.1"
PDF = b"%PDF-1.7 "


@dataclass
class Sent:
    """An attachment, and how often it was read whole."""

    name: str = "a.pdf"
    size_bytes: int = len(PDF)
    reads: int = 0

    async def read_head(self, size: int) -> bytes:
        return PDF[:size]

    async def read(self) -> bytes:
        self.reads += 1
        return PDF


@dataclass
class Full:
    """A rate that is exceeded, and who came."""

    an_hour: int = 200
    come: list[str] = field(default_factory=list)

    async def count_request(self, who: str) -> bool:
        self.come.append(who)
        return True


def _unused(*_: object) -> NoReturn:
    raise AssertionError("nothing else is used")


async def test_too_much_with_a_key_is_refused_before_anything_of_it_is_read() -> None:
    unused: Any = None
    ports = TicketPorts(
        tickets=unused,
        vault=unused,
        catalogue=load_catalogue(DATA / "catalogue.csv"),
        structures=unused,
        suggester=unused,
        clock=_unused,
        new_id=_unused,
    )
    keyed, sent = Full(), Sent()
    content = Content("DEPOT", "Mon fichier est refusé", "Le PDF de ma situation ne passe pas.")

    outcome = await Submissions(ports, AnonymousLimits(Full(), Full()), keyed).submit_open(
        Issuer(email="a@x.fr"), content, [sent], "k", ADDRESS
    )

    assert isinstance(outcome, RateLimited), outcome
    assert (keyed.come, sent.reads) == ([ADDRESS], 0)


async def test_an_attachment_is_digested_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where: dict[bytes, threading.Thread] = {}

    class Hashing:
        @property
        def sha256(self) -> Callable[[bytes], object]:
            def noted(content: bytes) -> object:
                where[content] = threading.current_thread()
                return sha256(content)

            return noted

    monkeypatch.setattr(uploads, "hashlib", Hashing())

    await build_key("o", "k", "said", [Sent()])

    assert where[PDF] is not threading.main_thread()
