"""Rules of suggestions: permanent codes, French sentences, sources."""

from services.support.access.domain.rules import PLATFORM_SOURCE
from shared.vocabulary.rules import Rule

TOO_MANY_SUGGESTIONS = Rule(
    code="SUP-SUGGESTION-01",
    sentence="Plus de {limit} suggestions ont été demandées depuis une heure.",
    remedy="Choisir la sous-catégorie vous-même : le ticket se dépose sans suggestion.",
    source=PLATFORM_SOURCE,
)
