"""Rules of the chat: permanent codes, French sentences, sources."""

from services.support.access.domain.rules import PLATFORM_SOURCE
from shared.vocabulary.rules import Rule

QUEUE_FULL = Rule(
    code="SUP-TCHAT-02",
    sentence="{waiting} personnes attendent déjà : la file est pleine.",
    remedy="Réessayer dans quelques minutes, ou déposer un ticket.",
    source=PLATFORM_SOURCE,
)
STRANGERS_FULL = Rule(
    code="SUP-TCHAT-12",
    sentence="{waiting} personnes sans compte attendent déjà : la file n'en prend pas d'autre.",
    remedy="Réessayer dans quelques minutes, agir pour votre structure, ou déposer un ticket.",
    source=PLATFORM_SOURCE,
)
TOO_MANY_OPEN = Rule(
    code="SUP-TCHAT-03",
    sentence="{limit} conversations sont déjà ouvertes pour vous.",
    remedy="Reprendre l'une d'elles, ou la terminer.",
    source=PLATFORM_SOURCE,
)
TOO_MANY_STARTED = Rule(
    code="SUP-TCHAT-04",
    sentence="Trop de conversations sans compte sont venues de votre adresse depuis une heure.",
    remedy="Réessayer plus tard, ou agir pour votre structure.",
    source=PLATFORM_SOURCE,
)
CHAT_FULL = Rule(
    code="SUP-TCHAT-05",
    sentence="Cette conversation compte {limit} messages : elle n'en prend plus.",
    remedy="Poursuivre par un ticket, prérempli avec la conversation.",
    source=PLATFORM_SOURCE,
)
TOO_FAST = Rule(
    code="SUP-TCHAT-06",
    sentence="Plus de {limit} messages en une minute.",
    remedy="Attendre quelques instants, puis envoyer de nouveau ce message.",
    source=PLATFORM_SOURCE,
)
ENDED = Rule(
    code="SUP-TCHAT-07",
    sentence="Cette conversation est terminée.",
    remedy="La relire, en faire un ticket, ou en commencer une autre.",
    source=PLATFORM_SOURCE,
)
NOT_TAKEN = Rule(
    code="SUP-TCHAT-08",
    sentence="Cette conversation attend encore dans la file.",
    remedy="Prendre la suivante de la file.",
    source=PLATFORM_SOURCE,
)
ALREADY_THERE = Rule(
    code="SUP-TCHAT-10",
    sentence="La conversation est déjà à ce bureau.",
    remedy="Choisir l'autre bureau, ou une autre structure.",
    source=PLATFORM_SOURCE,
)
HANDED_OVER = Rule(
    code="SUP-TCHAT-11",
    sentence="La conversation est passée à un autre bureau.",
    remedy="Prendre la suivante de la file.",
    source=PLATFORM_SOURCE,
)
KEY_TAKEN = Rule(
    code="SUP-TCHAT-09",
    sentence="Cette clé a déjà servi pour un autre message de la conversation.",
    remedy="Garder une clé pour le même message, et en prendre une nouvelle pour un autre.",
    source=PLATFORM_SOURCE,
)
