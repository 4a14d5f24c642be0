"""What is read of a letter: what it says, not who signs it."""

import pytest

from services.support.suggestions.domain.ticket_text import strip_closing

SAID = "Notre facture est suspendue, pourquoi ?"


@pytest.mark.parametrize(
    "closing",
    [
        "Cordialement,",
        "Bien cordialement",
        "  CORDIALEMENT",
        "Veuillez agréer, Madame, Monsieur, nos salutations distinguées.",
        "Je vous prie d'agréer, Monsieur, l'expression…",
        "Dans l'attente de votre réponse,",
        "En vous remerciant par avance,",
        "Merci d'avance",
        "--",
        "-- ",
        "Best regards,",
        "Envoyé de mon téléphone",
        "Ce message et ses pièces jointes sont confidentiels.",
    ],
)
def test_a_signature_is_not_read(closing: str) -> None:
    assert strip_closing(f"Bonjour,\n\n{SAID}\n\n{closing}\nA. Paiement, comptable") == (
        f"Bonjour,\n\n{SAID}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        SAID,
        f"{SAID}\nMerci de répondre.\nLe titulaire",
        "Cordialement",
        "--\nmon lien a expiré",
        f"Cordialement vôtre est une marque : {SAID}",
        f"{SAID}\n- premier point\n- second point",
    ],
)
def test_what_is_said_is_read_whole(text: str) -> None:
    assert strip_closing(text) == text
