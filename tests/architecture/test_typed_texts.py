"""Every text that somebody may type reaches a service by one wire type, `TypedText`."""

from collections.abc import Iterator, Sequence
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from fastapi import FastAPI, Header, Path, Query
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, StringConstraints

from docs.generators.openapi import build_services
from services.deposit.entrypoints.requests import MetadataRequest
from services.support.chat.entrypoints.frames import First, Next
from shared.contracts.texts import TypedText

_READ_APART = {"metadata": MetadataRequest, "first frame": First, "next frame": Next}
"""What is sent as one text and read by a model of its own."""
_EXCEPTIONS = {
    "metadata": "JSON in a form, read apart as MetadataRequest",
    "if_match": "compared with the version of what is kept; neither kept nor shown",
}
_UNIONS = {Union, UnionType}


def test_every_text_of_every_route_is_typed() -> None:
    for service, (_, app) in build_services().items():
        bare = set(_bare_texts(app))

        assert bare <= _EXCEPTIONS.keys(), f"{service}: give these the type TypedText"


def test_every_text_that_is_read_apart_is_typed() -> None:
    assert [*_walk("", Union[*_READ_APART.values()], ())] == []


def test_every_exception_is_still_one() -> None:
    bare = {name for _, app in build_services().values() for name in _bare_texts(app)}

    assert bare == _EXCEPTIONS.keys()


class _Nested(BaseModel):
    typed: Annotated[str, TypedText(10)]
    chosen: Annotated[str, StringConstraints(pattern="[a-z]")] | None = None
    lines: list[dict[str, Annotated[str, TypedText(10)]]] = []
    forgotten: tuple[str | None, ...] = ()


class _Body(BaseModel):
    nested: list[_Nested]
    anything: Any


def test_a_text_that_was_forgotten_is_found() -> None:
    app = FastAPI()

    @app.post("/{id}")
    async def route(
        id: Annotated[str, TypedText(5), Path()],  # noqa: A002
        query: Annotated[str | None, Query(max_length=10)],
        body: _Body,
        header: Annotated[str, Header()] = "",
    ) -> None: ...

    assert set(_bare_texts(app)) == {
        "header",
        "query",
        "nested.forgotten",
        "nested.lines",
        "anything",
    }


def _bare_texts(app: FastAPI) -> Iterator[str]:
    """Name every parameter or field by which a bare `str` reaches a route."""
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        if dependant is not None:
            yield from _bare_of(dependant)


def _bare_of(dependant: Dependant) -> Iterator[str]:
    for field in (
        *dependant.path_params,
        *dependant.query_params,
        *dependant.header_params,
        *dependant.cookie_params,
        *dependant.body_params,
    ):
        is_body = isinstance(field.field_info.annotation, type) and issubclass(
            field.field_info.annotation, BaseModel
        )
        name = "" if is_body else field.name
        yield from _walk(name, field.field_info.annotation, field.field_info.metadata)
    for each in dependant.dependencies:
        yield from _bare_of(each)


def _walk(name: str, wanted: Any, metadata: Sequence[Any]) -> Iterator[str]:  # noqa: ANN401
    """Name every bare `str` in a type; what is annotated as typed, or has a pattern, is none."""
    origin = get_origin(wanted)
    if origin is Annotated:
        inner, *more = get_args(wanted)
        yield from _walk(name, inner, (*metadata, *more))
    elif wanted in {str, Any}:
        if not any(map(_is_bound, metadata)):
            yield name
    elif origin is not None and origin is not Literal:
        for each in get_args(wanted):
            # What is said of a list is not said of the texts in it.
            yield from _walk(name, each, metadata if origin in _UNIONS else ())
    elif isinstance(wanted, type) and issubclass(wanted, BaseModel):
        for part, field in wanted.model_fields.items():
            where = f"{name}.{part}" if name else part
            yield from _walk(where, field.annotation, field.metadata)
    else:
        is_chosen = isinstance(wanted, type) and issubclass(wanted, Enum)
        is_other = isinstance(wanted, type) and not issubclass(wanted, str | bytes)
        assert origin is Literal or wanted is ... or is_chosen or is_other, wanted


def _is_bound(each: object) -> bool:
    has_pattern = isinstance(each, StringConstraints) and each.pattern is not None
    return isinstance(each, TypedText) or has_pattern or getattr(each, "pattern", None) is not None
