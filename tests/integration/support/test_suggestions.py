"""What a text is about, said while it is written."""

from typing import Any

import httpx
import pytest

LATE = {
    "title": "Facture impayée depuis deux mois",
    "description": "Le paiement est en retard, quand serai-je payé ? Je demande des intérêts.",
}


async def suggested(http: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    answer = await http.post("/suggestions", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_category_and_sub_category_are_suggested_with_their_confidence(
    http: httpx.AsyncClient,
) -> None:
    found = await suggested(http, **LATE)

    best, *others = found["suggestions"]
    assert (best["category"], best["sub_category"]) == ("PAIEMENT", "M_PAIEMENT")
    assert (best["desk"], found["desk"]) == ("metier", "metier")
    confidences = [each["confidence"] for each in found["suggestions"]]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 < each <= 1 for each in confidences)
    assert len(others) <= 2


async def test_the_beginning_of_a_title_is_enough_to_begin(http: httpx.AsyncClient) -> None:
    found = await suggested(http, title="mot de passe ou")

    assert found["suggestions"][0]["sub_category"] == "CONNEXION"


@pytest.mark.parametrize(
    ("chosen", "contradicts"),
    [
        ("DEPOT", True),
        ("M_PAIEMENT", False),
        ("M_BANQUE", True),
        ("INCONNUE", False),
        (None, False),
    ],
)
async def test_a_choice_that_the_text_contradicts_is_told(
    http: httpx.AsyncClient, chosen: str | None, contradicts: bool
) -> None:
    found = await suggested(http, **LATE, sub_category=chosen)

    assert found["contradicts"] is contradicts


@pytest.mark.parametrize("text", ["", "  \n "])
async def test_nothing_is_said_of_nothing(http: httpx.AsyncClient, text: str) -> None:
    assert await suggested(http, title=text, description=text) == {
        "suggestions": [],
        "desk": None,
        "contradicts": False,
    }


async def test_a_long_or_strange_text_is_read_and_a_huge_one_refused(
    http: httpx.AsyncClient,
) -> None:
    await suggested(http, title="<b>\x00\u202e</b>", description="paiement " * 10_000)

    answer = await http.post("/suggestions", json={"description": "x" * 100_001})
    assert answer.status_code == 422
