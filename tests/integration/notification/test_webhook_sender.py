"""Sender of webhooks against hostile receivers, on real sockets: outcome and duration of each."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.notification.pushes.adapters.network import Resolve, Resolver
from services.notification.pushes.adapters.webhooks import SignedMessage, WebhookSender, sign
from services.notification.pushes.domain.outcomes import Outcome
from services.notification.pushes.domain.targets import TargetRules
from shared.runtime.authorities import load_authorities
from tests.kit.certificates import Authority, build_self_signed, create_authority
from tests.kit.waiting import scale_timeout, wait_until
from tests.kit.webhook_receiver import WebhookReceiver, open_webhook_receiver, run_webhook_receiver

LOOPBACK = TargetRules(allows_loopback=True)
SECRET = "whsec_QWlndWlsbGFnZSwgdW4gc2VjcmV0IGQnZXNzYWkgIQ=="  # noqa: S105 - of tests
OTHER = "whsec_VW4gYXV0cmUgc2VjcmV0LCBjZWx1aSBkJ2F2YW50IDs="
BODY = '{"type":"fr.aiguillage.piece.statut.v1","data":{"motif":"Décompte à corriger 🏗"}}'.encode()
NAME = "recepteur.example"
PUBLIC = "93.184.215.14"


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with open_webhook_receiver() as opened:
        yield opened


@pytest.fixture
async def sender() -> AsyncIterator[WebhookSender]:
    async with WebhookSender(LOOPBACK, timeout_s=scale_timeout(5)) as opened:
        yield opened


@pytest.fixture
async def impatient() -> AsyncIterator[WebhookSender]:
    """A sender whose timeout is short: the receivers are slower by far."""
    async with WebhookSender(LOOPBACK, timeout_s=scale_timeout(1)) as opened:
        yield opened


def build_message(message_id: str = "dossier-1", *secrets: str) -> SignedMessage:
    at = datetime.fromtimestamp(time.time(), UTC)
    return SignedMessage(sign(secrets or (SECRET,), message_id, at, BODY), BODY)


def resolve_to(*addresses: str) -> Resolve:
    """Build a resolver of any name."""

    async def resolve(host: str) -> Sequence[str]:
        del host
        return addresses

    return resolve


async def test_a_webhook_arrives_whole_and_signed(
    receiver: WebhookReceiver, sender: WebhookSender
) -> None:
    receiver.secrets["/signed/moe?a=1"] = [SECRET]
    attempt = await sender.send(receiver.build_url("/signed/moe?a=1"), build_message())

    assert (attempt.outcome, attempt.code) == (Outcome.DELIVERED, "204")
    (received,) = receiver.requests
    assert received.body == BODY
    assert {**received.headers, "webhook-timestamp": "", "webhook-signature": ""} == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "Aiguillage/1",
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "webhook-id": "dossier-1",
        "webhook-timestamp": "",
        "webhook-signature": "",
    }


async def test_each_secret_of_a_rotation_verifies_and_no_other(
    receiver: WebhookReceiver, sender: WebhookSender
) -> None:
    receiver.secrets |= {
        "/signed/new": [SECRET],
        "/signed/old": [OTHER],
        "/signed/none": ["whsec_" + "A" * 44],
    }
    codes = {
        path: (await sender.send(receiver.build_url(path), build_message("a", SECRET, OTHER))).code
        for path in receiver.secrets
    }

    assert codes == {"/signed/new": "204", "/signed/old": "204", "/signed/none": "401"}


@pytest.mark.parametrize(
    ("path", "outcome", "code"),
    [
        ("/accept", Outcome.DELIVERED, "204"),
        ("/status/200", Outcome.DELIVERED, "200"),
        ("/status/299", Outcome.DELIVERED, "299"),
        ("/endless-body", Outcome.DELIVERED, "200"),
        ("/dribble-body", Outcome.DELIVERED, "200"),
        ("/status/410", Outcome.GONE, "410"),
        ("/status/400", Outcome.FAILED, "400"),
        ("/status/404", Outcome.FAILED, "404"),
        ("/status/429", Outcome.FAILED, "429"),
        ("/status/503", Outcome.FAILED, "503"),
        ("/redirect", Outcome.FAILED, "redirect"),
        ("/status/304", Outcome.FAILED, "redirect"),
        ("/close-before", Outcome.FAILED, "closed"),
        ("/close-after", Outcome.FAILED, "closed"),
        ("/endless-headers", Outcome.FAILED, "answer"),
        ("/endless-hints", Outcome.FAILED, "answer"),
        ("/no-http", Outcome.FAILED, "answer"),
    ],
)
async def test_an_answer_decides_and_ends_soon(
    receiver: WebhookReceiver, sender: WebhookSender, path: str, outcome: Outcome, code: str
) -> None:
    attempt = await sender.send(receiver.build_url(path), build_message())

    assert (attempt.outcome, attempt.code) == (outcome, code)
    # The body of `/dribble-body` takes over an hour, and is waited for during one second.
    assert attempt.duration_ms < 1000 * scale_timeout(3, most=60)
    print(f"{path}: {attempt.duration_ms} ms")
    # A redirect to itself that was followed would be there twice.
    assert len(receiver.requests) <= 1
    if path.startswith(("/endless", "/dribble")):
        await wait_until(lambda: receiver.left == 1, "the connection is dropped")


@pytest.mark.parametrize("path", ["/slow/60", "/dribble"])
async def test_an_answer_that_does_not_come_in_time_is_a_timeout(
    receiver: WebhookReceiver, impatient: WebhookSender, path: str
) -> None:
    attempt = await impatient.send(receiver.build_url(path), build_message())

    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, "timeout")
    assert 1000 <= attempt.duration_ms < 1000 * scale_timeout(3, most=40)
    assert len(receiver.requests) == 1


async def test_a_receiver_that_hangs_up_at_once_has_closed(
    receiver: WebhookReceiver, sender: WebhookSender
) -> None:
    receiver.hangs_up = True
    attempt = await sender.send(receiver.build_url("/accept"), build_message())

    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, "closed")
    assert receiver.connections == 1


async def test_a_receiver_that_comes_back_is_delivered_to(
    receiver: WebhookReceiver, sender: WebhookSender
) -> None:
    url = receiver.build_url("/fail/2/moe")
    codes = [(await sender.send(url, build_message())).code for _ in range(3)]

    assert codes == ["500", "500", "204"]


async def test_nobody_listens(sender: WebhookSender) -> None:
    with open_webhook_receiver() as receiver:
        url = receiver.build_url("/accept")
    attempt = await sender.send(url, build_message())

    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, "connect")


async def test_a_receiver_that_never_takes_its_connections_is_a_timeout(
    impatient: WebhookSender,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        attempt = await impatient.send(url, build_message())

    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, "timeout")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.org/", "scheme"),
        ("https://example.org:22/", "port"),
        ("https://user@example.org/", "userinfo"),
        ("https://10.0.0.1/", "address"),
    ],
)
async def test_a_url_is_judged_at_each_attempt(sender: WebhookSender, url: str, code: str) -> None:
    attempt = await sender.send(url, build_message())

    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, code)


async def test_connections_are_used_again_until_they_are_closed(
    receiver: WebhookReceiver, sender: WebhookSender
) -> None:
    url = receiver.build_url("/accept")
    for _ in range(3):
        await sender.send(url, build_message())
    assert [each.connection for each in receiver.requests] == [1, 1, 1]

    # The connection that is open is closed without an answer: a new one is made at once.
    receiver.behaviours["/accept"] = "close-after"
    attempt = await sender.send(url, build_message())
    assert (attempt.code, receiver.requests[-1].connection) == ("closed", 2)

    receiver.behaviours.clear()
    attempt = await sender.send(url, build_message())
    assert (attempt.code, receiver.requests[-1].connection) == ("204", 3)


async def test_a_connection_is_not_used_beyond_its_life(receiver: WebhookReceiver) -> None:
    """Its name is looked up again by then, however busy the connection is."""
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    url = receiver.build_url("/accept", "localhost")
    async with WebhookSender(LOOPBACK, scale_timeout(5), resolve=resolve, life_s=0) as sender:
        for _ in range(3):
            await sender.send(url, build_message())

    assert [each.connection for each in receiver.requests] == [1, 2, 3]
    assert asked == ["localhost"] * 3


async def test_a_sick_receiver_takes_nobodys_room(
    receiver: WebhookReceiver, sender: WebhookSender
) -> None:
    slow = [
        asyncio.create_task(sender.send(receiver.build_url(f"/slow/60/{rank}"), build_message()))
        for rank in range(200)
    ]
    await wait_until(lambda: len(receiver.requests) == 200, "200 pushes in progress")

    attempts = [
        await sender.send(receiver.build_url("/accept"), build_message()) for _ in range(50)
    ]
    durations = sorted(each.duration_ms for each in attempts)
    print(f"beside 200 slow ones: median {durations[25]} ms, longest {durations[-1]} ms")
    assert {each.code for each in attempts} == {"204"}
    assert durations[25] < 1000 * scale_timeout(0.2, most=2)
    for each in slow:
        each.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_no_environment_sends_webhooks_through_a_proxy(
    receiver: WebhookReceiver, sender: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(each, "http://127.0.0.1:9")

    assert (await sender.send(receiver.build_url("/accept"), build_message())).code == "204"


async def test_a_name_that_turns_to_loopback_after_its_first_look_up_is_refused(
    receiver: WebhookReceiver,
) -> None:
    """The names are ours: no name server on the way of a test answers twice differently.

    The first address is public, and nothing answers there from here; the receiver listens at the
    second, on a port that the rules list.
    """
    answers = [[PUBLIC], ["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"], ["10.0.0.1"]]
    asked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    rules = TargetRules(ports=frozenset({receiver.port}))
    url = f"https://{NAME}:{receiver.port}/accept"
    async with WebhookSender(rules, timeout_s=1, resolve=resolve) as sender:
        codes = [(await sender.send(url, build_message())).code for _ in answers]

    assert codes[0] in {"connect", "timeout", "tls", "closed"}
    assert codes[1:] == ["address"] * 4
    assert asked == [NAME] * 5
    assert receiver.connections == 0


async def test_a_name_without_address_and_a_resolver_that_hangs(receiver: WebhookReceiver) -> None:
    async def hang(host: str) -> Sequence[str]:
        del host
        await asyncio.get_running_loop().create_future()
        return ()

    url = f"https://{NAME}/accept"
    async with WebhookSender(LOOPBACK, timeout_s=5, resolve=resolve_to()) as sender:
        assert (await sender.send(url, build_message())).code == "name"
    async with WebhookSender(LOOPBACK, timeout_s=1, resolve=hang) as sender:
        attempt = await sender.send(url, build_message())
    assert (attempt.code, receiver.connections) == ("timeout", 0)


async def test_plain_http_goes_to_loopback_alone(receiver: WebhookReceiver) -> None:
    """`localhost` that leads to a public address has no freedom of loopback."""
    url = f"http://localhost:{receiver.port}/accept"
    async with WebhookSender(LOOPBACK, timeout_s=1, resolve=resolve_to(PUBLIC)) as sender:
        assert (await sender.send(url, build_message())).code == "address"


async def test_the_resolver_of_the_machine() -> None:
    resolver = Resolver()

    assert "127.0.0.1" in await resolver("localhost")
    assert await resolver("127.0.0.1") == ["127.0.0.1"]
    assert await resolver("0x7f.1") == ["127.0.0.1"]
    assert await resolver("nobody.invalid") in ((), [])


async def test_names_that_hang_leave_look_ups_for_other_structures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended = threading.Event()

    def look_up(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host.startswith("hangs"):
            ended.wait(scale_timeout(30))
        return [(0, 0, 0, "", (PUBLIC, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    resolver = Resolver(limit=8)

    sick = [asyncio.create_task(resolver(f"hangs-{rank}", "sick")) for rank in range(100)]
    await wait_until(lambda: sum(each.done() for each in sick) == 96, "it has its share")

    assert await resolver("well", "other") == [PUBLIC]
    assert [await each for each in sick if each.done()] == [()] * 96
    ended.set()
    await asyncio.gather(*sick)
    assert await resolver("well", "sick") == [PUBLIC]


async def test_a_sender_that_is_closed_keeps_no_connection(receiver: WebhookReceiver) -> None:
    sender = WebhookSender(LOOPBACK, timeout_s=scale_timeout(5))
    serving = asyncio.create_task(sender.close_at_end())
    url = receiver.build_url("/accept")
    await asyncio.gather(*(sender.send(url, build_message()) for _ in range(2)))
    slow = asyncio.create_task(sender.send(receiver.build_url("/slow/1"), build_message()))
    await wait_until(lambda: len(receiver.requests) == 3, "it is in progress")

    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)

    await wait_until(lambda: receiver.ended == 1, "the idle one is closed")
    assert (await slow).code == "204"
    await wait_until(lambda: receiver.ended == receiver.connections == 2, "so is the other")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_authority(
        tmp_path_factory.mktemp("authority"), datetime.fromtimestamp(time.time(), UTC)
    )


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """The authority, named by `SSL_CERT_FILE` as an operator does."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    load_authorities.cache_clear()
    yield authority
    load_authorities.cache_clear()


async def send_to(context: ssl.SSLContext, timeout_s: float = 5) -> tuple[str, int]:
    """Send to a receiver with this certificate; return the code, and how many requests came."""
    with open_webhook_receiver(context) as receiver:
        resolve = resolve_to("127.0.0.1")
        rules = TargetRules(frozenset({receiver.port}), allows_loopback=True)
        async with WebhookSender(rules, scale_timeout(timeout_s), resolve=resolve) as sender:
            attempt = await sender.send(receiver.build_url("/accept", NAME), build_message())
        return attempt.code, len(receiver.requests)


async def test_a_certificate_of_a_trusted_authority_is_accepted(trusted: Authority) -> None:
    tomorrow = datetime.fromtimestamp(time.time(), UTC) + timedelta(hours=23)

    assert await send_to(trusted.build_context(NAME, tomorrow)) == ("204", 1)


async def test_a_certificate_that_proves_nothing_is_refused(
    trusted: Authority, tmp_path: Path
) -> None:
    now = datetime.fromtimestamp(time.time(), UTC)
    contexts = {
        "of another name": trusted.build_context("autre.example", now + timedelta(hours=1)),
        "of the address alone": trusted.build_context("127.0.0.1", now + timedelta(hours=1)),
        "expired": trusted.build_context(NAME, now - timedelta(hours=1)),
        "self-signed": build_self_signed(tmp_path, NAME, now),
        "of another authority": create_authority(tmp_path, now).build_context(
            NAME, now + timedelta(hours=1)
        ),
    }

    assert {what: await send_to(each) for what, each in contexts.items()} == dict.fromkeys(
        contexts, ("tls", 0)
    )


async def test_a_receiver_without_tls_is_no_https_one(sender: WebhookSender) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        attempt = await sender.send(f"https://127.0.0.1:{port}/", build_message())

    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, "tls")


async def test_a_tls_handshake_that_hangs_is_a_timeout_and_leaves_no_socket(
    impatient: WebhookSender,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        attempt = await impatient.send(url, build_message())
        silent.settimeout(scale_timeout(5))
        with silent.accept()[0] as taken:
            taken.settimeout(scale_timeout(5))
            while taken.recv(65536):
                pass

    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, "timeout")


async def test_the_rate_of_one_sender_and_one_receiver(sender: WebhookSender) -> None:
    """The receiver is a process of its own, as in the bench: 200 requests a second are asked."""
    with run_webhook_receiver() as receiver:
        begin = time.perf_counter()
        for _ in range(20):
            attempts = await asyncio.gather(
                *(
                    sender.send(receiver.build_url(f"/accept/{rank}"), build_message(f"a-{rank}"))
                    for rank in range(50)
                )
            )
            assert {each.code for each in attempts} == {"204"}
        duration_s = time.perf_counter() - begin
        received = receiver.list_requests()

    print(f"1000 webhooks in {duration_s:.2f} s: {1000 / duration_s:.0f} a second")
    assert len(received) == 1000
    assert duration_s < scale_timeout(5)
