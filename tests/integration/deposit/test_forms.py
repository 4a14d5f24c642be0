"""Forms of deposit, as clients send and break them: of what is wrong nothing is kept."""

import json
import unicodedata
from collections.abc import Sequence

import httpx
import pytest

from deploy.local import einvoices
from shared.vocabulary.roles import Role
from tests.integration.deposit.world import World, acting, an_opener, beside

Part = tuple[str, bytes]
END = b"--b--\r\n"
PDF = einvoices.write_plain_pdf(an_opener())
ATTACHED: Part = ('name="attachments"; filename="devis.pdf"', PDF)


def form(parts: Sequence[Part], end: bytes = END) -> bytes:
    return b"".join(_part(*each) for each in parts) + end


def _part(said: str, content: bytes) -> bytes:
    head = f"--b\r\nContent-Disposition: form-data; {said}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def opener() -> list[Part]:
    return [
        ('name="file"; filename="situation.xml"', einvoices.write_ubl(an_opener())),
        ('name="metadata"', json.dumps(beside()).encode()),
    ]


async def send(world: World, body: bytes, path: str = "/pieces") -> httpx.Response:
    headers = acting(Role.TITULAIRE) | {"Content-Type": "multipart/form-data; boundary=b"}
    answer: httpx.Response = await world.http.post(path, content=body, headers=headers)
    return answer


@pytest.mark.parametrize(
    ("more", "end", "status"),
    [
        ([ATTACHED], b"", 400),
        ([ATTACHED], b"--b", 400),
        ([ATTACHED], END + _part(*ATTACHED) + END, 400),
        ([('filename="devis.pdf"', PDF)], END, 400),
        ([('name="attachments[]"; filename="devis.pdf"', PDF)], END, 422),
        ([('name="piece_jointe"; filename="devis.pdf"', PDF)], END, 422),
        ([('name="file"; filename="autre.xml"', PDF)], END, 422),
        ([('name="metadata"', b"{}")], END, 422),
        ([('name="attachments"', PDF)], END, 422),
        (
            [
                (
                    'name="attachments"; filename="a.pdf"\r\nContent-Transfer-Encoding: base64',
                    b"YQ==",
                )
            ],
            END,
            422,
        ),
    ],
)
async def test_a_form_with_a_fault_keeps_nothing_and_spends_no_number(
    world: World, more: Sequence[Part], end: bytes, status: int
) -> None:
    sent, before = opener(), world.kept()

    refused = await send(world, form([*sent, *more], end))
    kept = world.kept()
    accepted = await send(world, form(sent))

    assert (refused.status_code, kept) == (status, before), refused.text
    assert accepted.status_code == 201, accepted.text


@pytest.mark.parametrize("act", ["completion", "contestation"])
async def test_so_do_those_that_complete_and_contest(world: World, act: str) -> None:
    path, before = "/pieces/0198f1a2-0000-7000-8000-000000000000/" + act, world.kept()
    comment = ('name="comment"', b"voici")

    cut = await send(world, form([comment, ATTACHED], b""), path)
    unknown = await send(world, form([comment, ('name="fichier"; filename="a.pdf"', PDF)]), path)
    whole = await send(world, form([comment, ATTACHED]), path)

    assert (cut.status_code, unknown.status_code, whole.status_code) == (400, 422, 404)
    assert world.kept() == before


async def test_a_key_of_the_metadata_comes_once(world: World) -> None:
    file, (name, text) = opener()
    twice = text.replace(b"{", b'{"comment": "a", "comment": "b", ', 1)

    answer = await send(world, form([file, (name, twice)]))

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["violations"]] == ["comment"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ('filename="Relevé.pdf"', "Relevé.pdf"),
        ("filename=\"x.pdf\"; filename*=utf-8''Relev%C3%A9.pdf", "Relevé.pdf"),
        ('filename="=?utf-8?B?UmVsZXbDqS5wZGY=?="', "Relevé.pdf"),
        (f'filename="{unicodedata.normalize("NFD", "é" * 46)}.pdf"', "é" * 46 + ".pdf"),
    ],
)
async def test_an_attachment_has_the_name_that_its_sender_sees(
    world: World, said: str, name: str
) -> None:
    answer = await send(world, form([*opener(), (f'name="attachments"; {said}', PDF)]))

    assert answer.status_code == 201, answer.text
    assert [each["name"] for each in answer.json()["attachments"]] == [name]
