"""Rules of conversations with the virtual agent: permanent codes, French sentences, sources."""

from services.support.access.domain.rules import PLATFORM_SOURCE
from shared.vocabulary.rules import Rule

CONVERSATION_FULL = Rule(
    code="SUP-AGENT-01",
    sentence="Cette conversation compte {limit} messages : elle n'en prend plus.",
    remedy="Ouvrir une nouvelle conversation, ou déposer un ticket.",
    source=PLATFORM_SOURCE,
)
TOO_MANY_CONVERSATIONS = Rule(
    code="SUP-AGENT-02",
    sentence="Trop de messages sans compte sont venus de votre adresse depuis une heure.",
    remedy="Réessayer plus tard, ou agir pour votre structure.",
    source=PLATFORM_SOURCE,
)
