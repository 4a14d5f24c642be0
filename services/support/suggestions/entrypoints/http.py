"""HTTP route of suggestions while a ticket is written. Nothing of the text is stored."""

from typing import Self

from fastapi import APIRouter, Request
from pydantic import Field

from services.support.access.application.ports import RateLimit
from services.support.access.domain.texts import TEXT_LIMIT, TITLE_LIMIT
from services.support.access.entrypoints.authentication import MaybeAsker
from services.support.access.entrypoints.rate_limits import build_too_many_requests
from services.support.access.entrypoints.requests import ClosedRequest, Line, Text
from services.support.desks.domain.catalogue import Catalogue, SubCategory
from services.support.suggestions.application.ports import Suggester
from services.support.suggestions.domain import rules as suggestion_rules
from shared.answers.answer import Answer
from shared.runtime.web.addresses import read_address
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.tickets import Desk


class SuggestionRequest(ClosedRequest):
    """A ticket while it is written."""

    title: Line = ""
    description: Text = ""
    sub_category: Line | None = Field(default=None, description="Celle qui est déjà choisie.")


class SuggestionAnswer(Answer):
    """A sub-category that the text may be about."""

    category: str
    category_label: str
    sub_category: str
    label: str
    desk: Desk
    confidence: float = Field(description="De 0 à 1.")

    @classmethod
    def of(cls, found: SubCategory, confidence: float) -> Self:
        """Show a sub-category, and how sure it is."""
        return cls(
            category=found.category,
            category_label=found.category_label,
            sub_category=found.code,
            label=found.label,
            desk=found.desk,
            confidence=confidence,
        )


class SuggestionsAnswer(Answer):
    """Suggested sub-categories, best first; the person chooses."""

    suggestions: tuple[SuggestionAnswer, ...]
    desk: Desk | None = Field(description="Le bureau, quand le texte le dit clairement.")
    contradicts: bool = Field(
        description="Le texte évoque clairement autre chose que la sous-catégorie choisie."
    )


def create_suggestions_router(
    suggester: Suggester, catalogue: Catalogue, asked: RateLimit
) -> APIRouter:
    """Build the route of suggestions, which needs no account."""
    router = APIRouter(route_class=DescribedRoute, tags=["catalogue"])

    @router.post("/suggestions", summary="Ce qu'évoque un texte, pendant qu'il s'écrit.")
    async def suggest_sub_categories(
        body: SuggestionRequest, who: MaybeAsker, request: Request
    ) -> SuggestionsAnswer:
        title, description = body.title[:TITLE_LIMIT], body.description[:TEXT_LIMIT]
        if not title and not description:
            return SuggestionsAnswer(suggestions=(), desk=None, contradicts=False)
        if await asked.count_request(who.structure if who else read_address(request)):
            limit = asked.an_hour
            raise build_too_many_requests(
                suggestion_rules.TOO_MANY_SUGGESTIONS.build_violation("requête", limit=limit)
            )
        found = await suggester.suggest(title, description)
        chosen = catalogue.by_code.get(body.sub_category or "")
        return SuggestionsAnswer(
            suggestions=tuple(
                SuggestionAnswer.of(catalogue.by_code[each.sub_category], each.confidence)
                for each in found.guesses
            ),
            desk=found.desk,
            contradicts=chosen is not None and found.contradicts(chosen.code),
        )

    return router
