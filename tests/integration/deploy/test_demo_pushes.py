"""What the demo says of webhooks and mails: nothing of those as expected, each planted fault."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import httpx
import pytest
from standardwebhooks import Webhook

from deploy.local.demo.actor import Actor
from deploy.local.demo.checks import Fault
from deploy.local.demo.pushes import (
    compare_mails,
    compare_webhooks,
    select_told,
    verify_by_other,
)
from deploy.local.demo.routing_events import RoutingEvents, ToldStatus
from deploy.local.demo.structures import MAIRIE, TITULAIRE
from deploy.local.demo.webhook_receiver import Received, open_webhook_receiver
from deploy.local.npm import find_missing
from shared.runtime.clock import build_clock
from shared.vocabulary.roles import Role

_SECRET, _OTHER = "whsec_" + "YWlndWlsbGFnZQ" * 3 + "==", "whsec_" + "YXV0cmUgc2VjcmV0" * 2
_MADE, _PAID = "MISE_A_DISPOSITION", "MISE_EN_PAIEMENT"
_PARTIES = {"titulaire": TITULAIRE.siret, "service_financier": MAIRIE.siret}
_TOLD = [
    ToldStatus("d1", 6, "A19-1", _MADE, _PARTIES),
    ToldStatus("d1", 9, "A19-1", _PAID, _PARTIES),
]


def sign(message_id: str, body: bytes, secret: str = _SECRET) -> dict[str, str]:
    now = build_clock()()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }


def write_webhook(told: ToldStatus) -> tuple[str, bytes]:
    data = {
        "dossier_id": told.dossier_id,
        "sequence": told.sequence,
        "number": told.number,
        "status": told.status,
    }
    message = {"type": "fr.aiguillage.piece.statut.v1", "timestamp": "", "data": data}
    return f"{told.dossier_id}-{told.sequence}", json.dumps(message).encode()


def a_webhook(told: ToldStatus) -> Received:
    message_id, body = write_webhook(told)
    return Received(sign(message_id, body), body, build_clock()().timestamp(), secrets=(_SECRET,))


_FIRST, _SECOND = map(a_webhook, _TOLD)
_HIDDEN = a_webhook(ToldStatus("d2", 9, "A19-2", _PAID, _PARTIES))


@pytest.mark.parametrize("came", [[_FIRST, _SECOND], [_FIRST, _FIRST, _SECOND, _FIRST]])
def test_webhooks_as_told_differ_in_nothing_though_one_comes_again(came: list[Received]) -> None:
    assert [*compare_webhooks(came, _TOLD)] == []


@pytest.mark.parametrize(
    ("came", "fault", "said"),
    [
        ([_FIRST], Fault.LOST, "webhooks of d1"),
        ([_SECOND, _FIRST], Fault.OUT_OF_ORDER, "webhooks of d1"),
        ([_FIRST, _SECOND, _HIDDEN], Fault.DUPLICATED, "webhooks of d2"),
        ([_FIRST, replace(_SECOND, fault="No match")], Fault.LOST, "refused by the receiver"),
        (
            [_FIRST, replace(_SECOND, headers={"webhook-id": "d1-7"})],
            Fault.DUPLICATED,
            "id of a webhook: d1-7",
        ),
    ],
)
def test_a_webhook_that_is_not_as_told_is_said(
    came: list[Received], fault: Fault, said: str
) -> None:
    found = [*compare_webhooks(came, _TOLD)]

    assert any(said in each.text for each in found if each.fault is fault)


async def test_the_receiver_refuses_what_one_of_its_secrets_did_not_sign() -> None:
    message_id, body = write_webhook(_TOLD[0])
    async with open_webhook_receiver() as receiver, httpx.AsyncClient() as sender:
        receiver.secrets = (_SECRET,)
        statuses = []
        for secret in (_SECRET, _OTHER):
            headers = sign(message_id, body, secret)
            answer = await sender.post(receiver.url, content=body, headers=headers)
            statuses.append(answer.status_code)
        receiver.secrets = (_OTHER, _SECRET)
        headers = sign(message_id, body)
        statuses.append(
            (await sender.post(receiver.url, content=body, headers=headers)).status_code
        )

    assert statuses == [204, 401, 401]
    assert [each.fault is None for each in receiver.received] == [True, False, False]
    assert [each.secrets for each in receiver.received] == [
        (_SECRET,),
        (_SECRET,),
        (_OTHER, _SECRET),
    ]


def test_npm_says_which_webhook_it_does_not_verify() -> None:
    if missing := find_missing("npm's standardwebhooks"):
        pytest.skip(missing)
    forged = replace(_SECOND, secrets=(_SECRET, _OTHER))

    verifier, found = verify_by_other([_FIRST, forged])

    assert verifier == "par standardwebhooks de npm"
    assert [each.text for each in found] == [
        "npm does not verify d1-9: No matching signature found"
    ]


def test_without_node_the_python_library_is_the_only_one_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert verify_by_other([_FIRST]) == ("par la bibliothèque Python (ni node 20 ni npm ici)", [])


@pytest.mark.parametrize(
    ("structure", "role", "numbers"),
    [
        (TITULAIRE, Role.TITULAIRE, ["A19-1", "A19-2"]),
        (MAIRIE, Role.SERVICE_FINANCIER, ["A19-1", "A19-2", "A19-3"]),
        (MAIRIE, Role.MOA, []),
    ],
)
def test_a_payment_that_is_not_reported_is_expected_of_the_payer_alone(
    structure: object, role: Role, numbers: list[str]
) -> None:
    events = RoutingEvents(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    events.told = [
        ToldStatus("d3", 9, "A19-3", _PAID, _PARTIES, payment_not_reported=True),
        ToldStatus("d2", 6, "A19-2", _MADE, _PARTIES, payment_not_reported=True),
        ToldStatus("d1", 9, "A19-1", _PAID, _PARTIES),
        ToldStatus("d1", 1, "A4-1", "DEPOSEE", _PARTIES),
    ]
    reader = Actor(services=None, sign_in=None, role=role, structure=structure)  # type: ignore[arg-type]

    assert [each.number for each in select_told(events, reader)] == numbers


_LINK = "http://127.0.0.1:1/notification/v1/unsubscriptions/jeton"
_MADE_ROW = ("A19-1", "Mise à disposition du service financier", "d1")
_PAID_ROW = ("A19-1", "Mise en paiement", "d1")


def a_mail(
    *rows: tuple[str, str, str],
    as_html: Sequence[tuple[str, str, str]] | None = None,
    link: str = _LINK,
) -> EmailMessage:
    """A mail that names these statuses."""
    mail = EmailMessage()
    mail["List-Unsubscribe"] = f"<{_LINK}>"
    said = [
        f"- A19 (État) n° {n} : {s}\n  Le 1er (heure de Paris), dossier {d}\n" for n, s, d in rows
    ]
    mail.set_content("".join(said) + f"\n{link}\n")
    shown = [
        f"<strong>A19 (État) n° {n} : {s}</strong><br>\nLe 1er (heure de Paris), dossier {d}\n"
        for n, s, d in (rows if as_html is None else as_html)
    ]
    mail.add_alternative("".join(shown) + f'<a href="{link}">Ne plus recevoir</a>', subtype="html")
    return mail


@pytest.mark.parametrize(
    "mails", [[a_mail(_MADE_ROW, _PAID_ROW)], [a_mail(_MADE_ROW), a_mail(_PAID_ROW)]]
)
def test_mails_that_name_each_status_once_differ_in_nothing(mails: list[EmailMessage]) -> None:
    assert [*compare_mails(mails, _TOLD)] == []


@pytest.mark.parametrize(
    ("mails", "fault", "said"),
    [
        ([a_mail(_MADE_ROW)], Fault.LOST, "missing {('d1', 'A19-1', 'Mise en paiement')"),
        ([a_mail(_MADE_ROW, _PAID_ROW), a_mail(_PAID_ROW)], Fault.DUPLICATED, "unexpected {("),
        ([a_mail(_MADE_ROW, _PAID_ROW, as_html=[_MADE_ROW])], Fault.LOST, "as HTML"),
        ([a_mail(_MADE_ROW, _PAID_ROW, link=_LINK + " " + _LINK)], Fault.LOST, "[2, 2] times"),
        ([a_mail(_MADE_ROW, _PAID_ROW, link="")], Fault.LOST, "[0, 0] times"),
    ],
)
def test_a_mail_that_is_not_as_told_is_said(
    mails: list[EmailMessage], fault: Fault, said: str
) -> None:
    found = [*compare_mails(mails, _TOLD)]

    assert any(said in each.text for each in found if each.fault is fault), found
