"""HTTP route of the catalogue."""

from fastapi import APIRouter

from services.support.desks.domain.catalogue import Catalogue
from shared.answers.answer import Answer
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.tickets import Desk


class SubCategoryAnswer(Answer):
    """A sub-category and the desk that it decides."""

    code: str
    label: str
    desk: Desk
    help: str


class CategoryAnswer(Answer):
    """A category."""

    code: str
    label: str
    sub_categories: tuple[SubCategoryAnswer, ...]


class CategoriesAnswer(Answer):
    """The catalogue."""

    categories: tuple[CategoryAnswer, ...]


def create_catalogue_router(catalogue: Catalogue) -> APIRouter:
    """Build the route of the catalogue, which needs no account."""
    router = APIRouter(route_class=DescribedRoute, tags=["catalogue"])
    answer = CategoriesAnswer(
        categories=tuple(CategoryAnswer.model_validate(each) for each in catalogue.categories)
    )

    @router.get("/categories", summary="Les catégories et sous-catégories d'un ticket.")
    async def list_categories() -> CategoriesAnswer:
        return answer

    return router
