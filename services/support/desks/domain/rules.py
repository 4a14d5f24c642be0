"""Rules of the desks: catalogue and opening hours."""

from services.support.access.domain.rules import PLATFORM_SOURCE
from shared.vocabulary.rules import Rule

SUB_CATEGORY_UNKNOWN = Rule(
    code="SUP-CATALOGUE-01",
    sentence="La sous-catégorie « {value} » n'existe pas.",
    remedy="Choisir l'une des sous-catégories du catalogue.",
    source=PLATFORM_SOURCE,
)
CLOSED = Rule(
    code="SUP-TCHAT-01",
    sentence="Le tchat est fermé. Il ouvre le {opening}.",
    remedy="Déposer un ticket, à toute heure : un bureau y répond dès l'ouverture.",
    source="AIFE, assistance : du lundi au vendredi, de 8 h 30 à 18 h 30, hors jours fériés",
)
