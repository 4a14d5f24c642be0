"""Mails of notification: their French texts are the templates of `data`, in text and in HTML.

Each names its subscription as what it is about (`Mail.entity`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from services.notification.statuses.domain.entry import Entry
from services.notification.subscriptions.domain.subscription import Cause, Subscription
from shared.application.mail import Mail
from shared.application.mail_templates import MailTemplates
from shared.circuit.labels import label_cadre
from shared.circuit.motives import find_motive_label
from shared.vocabulary.dates import format_moment
from shared.vocabulary.labels import STATUSES

ROWS_LIMIT = 100
"""Limit of the statuses of one mail."""
_COMMENT_LIMIT = 300
_WORD_LIMIT = 60
"""Length limits of a comment, and of a number or an id, in characters: the rows must fit."""
_TEMPLATES = MailTemplates(Path(__file__).parents[1] / "data")
_CAUSES: Mapping[Cause, tuple[str, str]] = {
    Cause.FAILURES: (
        "Des envois échouent depuis plus de 24 heures, malgré des tentatives répétées.",
        "Rétablir le récepteur, puis réactiver l'abonnement : les statuts manqués seront envoyés.",
    ),
    Cause.GONE: (
        "Le récepteur a répondu que cette adresse n'existe plus (code 410).",
        (
            "Si le récepteur a changé d'adresse, l'indiquer dans l'abonnement, puis le réactiver : "
            "les statuts manqués seront envoyés. Sinon, supprimer l'abonnement."
        ),
    ),
    Cause.REFUSED: (
        "Le serveur de messagerie a refusé cette adresse de façon définitive.",
        (
            "Vérifier l'adresse, ou en indiquer une autre, puis réactiver l'abonnement : l'adresse "
            "sera à confirmer de nouveau."
        ),
    ),
    Cause.REVOKED: (
        "La personne dont l'abonnement utilise les droits ne peut plus consulter ces pièces.",
        (
            "Faire réactiver l'abonnement par une personne qui a ces droits : il utilisera les "
            "siens, et les statuts manqués seront envoyés."
        ),
    ),
}
"""Why a subscription was disabled and what to do, for each cause of which its contact is told."""


def build_confirmation(
    subscription: Subscription, structure: str, link: str, expires_at: datetime
) -> Mail:
    """Build the mail that asks a recipient to confirm, by a link, that statuses be sent to it.

    `structure` is the name of that of the subscription, here and below.
    """
    return _TEMPLATES.render(
        "confirmation",
        to=subscription.terms.target,
        entity=subscription.id,
        structure=structure,
        lien=link,
        expire=format_moment(expires_at),
    )


def build_statuses(
    subscription: Subscription, structure: str, entries: Sequence[Entry], unsubscribe: str
) -> Mail:
    """Build the mail of some statuses, from 1 to `ROWS_LIMIT`, in this order.

    `unsubscribe` is the link that ends them, by one click too (RFC 8058).
    """
    if not 0 < len(entries) <= ROWS_LIMIT:
        raise ValueError(f"{len(entries)} statuses: a mail has from 1 to {ROWS_LIMIT}")
    return _TEMPLATES.render(
        "statuts",
        to=subscription.terms.target,
        entity=subscription.id,
        unsubscribe=unsubscribe,
        structure=structure,
        lignes=[_build_row(each) for each in entries],
        desabonnement=unsubscribe,
    )


def build_test(subscription: Subscription, structure: str, unsubscribe: str) -> Mail:
    """Build the mail of a test, which tells of no status."""
    return _TEMPLATES.render(
        "essai",
        to=subscription.terms.target,
        entity=subscription.id,
        unsubscribe=unsubscribe,
        structure=structure,
        desabonnement=unsubscribe,
    )


def build_disabled(
    subscription: Subscription, to: str, structure: str, cause: Cause, at: datetime
) -> Mail:
    """Build the mail that tells the contact of a subscription why it was disabled.

    Of a webhook it names the host alone: the rest of a URL often holds a secret.
    """
    target = subscription.terms.target
    is_personal = subscription.channel.traits.is_personal
    reason, remedy = _CAUSES[cause]
    return _TEMPLATES.render(
        "abonnement-desactive",
        to=to,
        entity=subscription.id,
        structure=structure,
        date=format_moment(at),
        cible=f"à {target}" if is_personal else f"au webhook de {urlsplit(target).hostname}",
        raison=reason,
        remede=remedy,
        abonnement=subscription.id,
    )


def _build_row(entry: Entry) -> Mapping[str, str]:
    comment = " ".join((entry.comment or "").split())
    return {
        "cadre": entry.cadre,
        "libelle": label_cadre(entry.cadre),
        "numero": _cut(entry.number, _WORD_LIMIT),
        "statut": STATUSES[entry.status],
        "date": format_moment(entry.at),
        "dossier": _cut(entry.dossier_id, _WORD_LIMIT),
        "motif": find_motive_label(entry.motive) or "" if entry.motive else "",
        "commentaire": _cut(comment, _COMMENT_LIMIT),
    }


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
