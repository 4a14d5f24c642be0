"""The rules of conversations with the virtual agent."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"

CONVERSATION_FULL = Rule(
    code="SUP-AGENT-01",
    sentence="Cette conversation compte {limit} messages : elle n'en prend plus.",
    remedy="Ouvrez une nouvelle conversation, ou déposez un ticket.",
    source=_OURS,
)
TOO_MANY_CONVERSATIONS = Rule(
    code="SUP-AGENT-02",
    sentence="Trop de messages sans compte sont venus de votre adresse depuis une heure.",
    remedy="Réessayez plus tard, ou agissez pour votre structure.",
    source=_OURS,
)
