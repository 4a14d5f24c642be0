"""Mails of notification: what a person reads, in text and in HTML."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from html import unescape

import pytest

from services.notification.statuses.domain.entry import Entry
from services.notification.subscriptions.application.mails import (
    build_confirmation,
    build_disabled,
    build_statuses,
)
from services.notification.subscriptions.domain.subscription import (
    Cause,
    Channel,
    Subscription,
    Terms,
)
from shared.runtime.mail.sending import QueuedMail
from shared.runtime.mail.smtp import build_message
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

AT = datetime(2026, 11, 30, 9, 5, tzinfo=UTC)
NAME = "Mairie d'Évry"
UNSUBSCRIBE = "https://travaux.exemple.fr/notification/v1/unsubscriptions/gAAAA-_="
BY_MAIL = Subscription(
    id="018f-1",
    owner="u",
    actor=Actor(Role.MOA, "m"),
    channel=Channel.MAIL,
    terms=Terms("claire@exemple.fr"),
    created_at=AT,
)
BY_WEBHOOK = replace(
    BY_MAIL,
    channel=Channel.WEBHOOK,
    terms=Terms("https://user.exemple.fr:8443/jeton-secret?cle=secret", "claire@exemple.fr"),
)
REFUSED = Entry(
    sequence=3,
    dossier_id="018e-9",
    piece_id="p",
    cadre="A4",
    number="F-2026-1",
    status=Status.REFUSEE_MOE,
    at=AT,
    parties=frozenset(),
    motive="MAUVAISE_MOE",
    comment="Le marché est celui\r\nd'un autre maître d'œuvre.",
)
DEPOSITED = replace(REFUSED, number="F2", status=Status.DEPOSEE, motive=None, comment=None)


def test_one_status_is_read_in_text() -> None:
    mail = build_statuses(BY_MAIL, NAME, [REFUSED], UNSUBSCRIBE)

    assert (mail.to, mail.entity, mail.unsubscribe) == ("claire@exemple.fr", "018f-1", UNSUBSCRIBE)
    assert mail.subject == "A4 n° F-2026-1 : Refusée par la maîtrise d'œuvre"
    assert mail.text == (
        "Bonjour,\n\n"
        "Une pièce de travaux de la structure « Mairie d'Évry » a un nouveau statut :\n\n"
        "- A4 (projet de décompte mensuel) n° F-2026-1 : Refusée par la maîtrise d'œuvre\n"
        "  Le 30/11/2026 à 10:05 (heure de Paris), dossier 018e-9\n"
        "  Motif : Mauvaise maîtrise d'œuvre\n"
        "  Commentaire : Le marché est celui d'un autre maître d'œuvre.\n\n"
        "Pour ne plus recevoir ces messages, ouvrir cette adresse :\n\n"
        f"{UNSUBSCRIBE}\n\n"
        "Aiguillage\n"
    )


def test_several_statuses_are_listed_in_their_order() -> None:
    mail = build_statuses(BY_MAIL, NAME, [DEPOSITED, REFUSED], UNSUBSCRIBE)

    assert mail.subject == "2 nouveaux statuts"
    assert (
        "Des pièces de travaux de la structure « Mairie d'Évry » ont de nouveaux statuts :\n\n"
        "- A4 (projet de décompte mensuel) n° F2 : Déposée\n"
        "  Le 30/11/2026 à 10:05 (heure de Paris), dossier 018e-9\n\n"
        "- A4 (projet de décompte mensuel) n° F-2026-1 : Refusée par la maîtrise d'œuvre\n"
    ) in mail.text
    assert mail.text.count("Motif") == mail.text.count("Commentaire") == 1


def test_html_says_the_same_and_loads_nothing() -> None:
    mail = build_statuses(BY_MAIL, NAME, [DEPOSITED, REFUSED], UNSUBSCRIBE)

    assert mail.html is not None
    shown = [
        "Bonjour,",
        "Des pièces de travaux de la structure « Mairie d'Évry » ont de nouveaux statuts :",
        "A4 (projet de décompte mensuel) n° F2 : Déposée",
        "Le 30/11/2026 à 10:05 (heure de Paris), dossier 018e-9",
        "A4 (projet de décompte mensuel) n° F-2026-1 : Refusée par la maîtrise d'œuvre",
        "Le 30/11/2026 à 10:05 (heure de Paris), dossier 018e-9",
        "Motif : Mauvaise maîtrise d'œuvre",
        "Commentaire : Le marché est celui d'un autre maître d'œuvre.",
        "Ne plus recevoir ces messages",
        "Aiguillage",
    ]
    body = re.sub(r"<[^>]*>", "", mail.html.partition("<body")[2].partition(">")[2])
    assert [line for line in unescape(body).splitlines() if line] == shown
    assert re.findall(r'https?://[^"<]+', mail.html) == [UNSUBSCRIBE]
    assert not re.search(r"<(script|img|link|style|iframe|form)\b", mail.html)


def test_markup_in_what_a_party_wrote_is_shown_and_not_run() -> None:
    hostile = replace(REFUSED, number="<b>F1</b>", comment='<script>alert("é")</script>')

    mail = build_statuses(BY_MAIL, '<img src="https://exemple.fr/a">', [hostile], UNSUBSCRIBE)

    assert 'Commentaire : <script>alert("é")</script>\n' in mail.text
    assert mail.html is not None
    assert "Commentaire : &lt;script&gt;alert(&#34;é&#34;)&lt;/script&gt;\n" in mail.html
    assert "n° &lt;b&gt;F1&lt;/b&gt; :" in mail.html
    assert "« &lt;img src=&#34;https://exemple.fr/a&#34;&gt; »" in mail.html


def test_a_line_end_in_a_number_makes_no_header() -> None:
    hostile = replace(REFUSED, number="F1\r\nBcc: paul@exemple.fr\r\n\r\nTexte")
    mail = build_statuses(BY_MAIL, NAME, [hostile], UNSUBSCRIBE)

    message = build_message(QueuedMail("m", mail, AT), Address("A", addr_spec="a@exemple.fr"))

    assert "\n" not in mail.subject
    assert message["Bcc"] is None
    assert message["Subject"] == (
        "A4 n° F1 Bcc: paul@exemple.fr Texte : Refusée par la maîtrise d'œuvre"
    )


def test_a_long_comment_is_cut_and_a_long_number_too() -> None:
    long = replace(REFUSED, comment="à " * 5000, number="9" * 1000)

    mail = build_statuses(BY_MAIL, NAME, [long], UNSUBSCRIBE)

    assert f"Commentaire : {'à ' * 149}à…\n" in mail.text
    assert f"n° {'9' * 59}… :" in mail.text


def test_a_hundred_statuses_of_the_longest_are_one_mail() -> None:
    long = replace(REFUSED, comment='"' * 5000, number='"' * 1000, dossier_id='"' * 1000)

    mail = build_statuses(BY_MAIL, '"' * 1000, [long] * 100, UNSUBSCRIBE)

    assert mail.subject == "100 nouveaux statuts"
    assert mail.text.count("Commentaire : ") == 100
    assert mail.html is not None
    assert mail.html.count("<li ") == 100


@pytest.mark.parametrize("count", [0, 101])
def test_none_and_more_than_a_hundred_make_no_mail(count: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 100"):
        build_statuses(BY_MAIL, NAME, [REFUSED] * count, UNSUBSCRIBE)


def test_a_recipient_is_asked_to_confirm_by_a_link() -> None:
    link = f"https://travaux.exemple.fr/notification/v1/confirmations/{'a' * 484}"

    mail = build_confirmation(BY_MAIL, NAME, link, AT)

    assert (mail.to, mail.entity, mail.unsubscribe) == ("claire@exemple.fr", "018f-1", None)
    assert mail.subject == "Confirmer l'envoi de statuts à cette adresse"
    assert mail.text == (
        "Bonjour,\n\n"
        "La structure « Mairie d'Évry » a demandé que les statuts de ses pièces de travaux soient "
        "envoyés à cette adresse électronique. Pour l'accepter, ouvrir cette adresse et "
        "confirmer :\n\n"
        f"{link}\n\n"
        "Ce lien est valable jusqu'au 30/11/2026 à 10:05. Si cette demande ne vous concerne pas, "
        "ne rien faire : rien ne vous sera envoyé.\n\n"
        "Aiguillage\n"
    )
    assert mail.html is not None
    assert f'<a href="{link}" ' in mail.html


@pytest.mark.parametrize(
    ("subscription", "cause", "told", "reason", "remedy"),
    [
        (
            BY_WEBHOOK,
            Cause.FAILURES,
            "Plus rien n'est envoyé au webhook de user.exemple.fr.",
            "Des envois échouent depuis plus de 24 heures",
            "Rétablir le récepteur, puis réactiver l'abonnement",
        ),
        (
            BY_WEBHOOK,
            Cause.GONE,
            "Plus rien n'est envoyé au webhook de user.exemple.fr.",
            "Le récepteur a répondu que cette adresse n'existe plus (code 410).",
            "Si le récepteur a changé d'adresse",
        ),
        (
            BY_MAIL,
            Cause.REFUSED,
            "Plus rien n'est envoyé à claire@exemple.fr.",
            "Le serveur de messagerie a refusé cette adresse de façon définitive.",
            "Vérifier l'adresse, ou en indiquer une autre",
        ),
        (
            BY_MAIL,
            Cause.REVOKED,
            "Plus rien n'est envoyé à claire@exemple.fr.",
            "La personne dont l'abonnement utilise les droits ne peut plus consulter ces pièces.",
            "Faire réactiver l'abonnement par une personne qui a ces droits",
        ),
    ],
)
def test_the_contact_is_told_why_and_what_to_do(
    subscription: Subscription, cause: Cause, told: str, reason: str, remedy: str
) -> None:
    mail = build_disabled(subscription, "contact@exemple.fr", NAME, cause, AT)

    assert (mail.to, mail.entity) == ("contact@exemple.fr", "018f-1")
    assert mail.subject == "Abonnement aux statuts désactivé"
    assert mail.text.startswith(
        "Bonjour,\n\nL'abonnement de la structure « Mairie d'Évry » aux statuts de ses pièces de "
        f"travaux est désactivé depuis le 30/11/2026 à 10:05 (heure de Paris). {told}\n\n"
        f"Pourquoi : {reason}"
    )
    assert f"\n\nQue faire : {remedy}" in mail.text
    assert mail.text.endswith("\n\nNuméro de l'abonnement : 018f-1\n\nAiguillage\n")
    assert mail.html is not None
    assert f"<strong>Que faire :</strong> {remedy}" in unescape(mail.html)
    assert "secret" not in mail.text + mail.html
