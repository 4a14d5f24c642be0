"""Strict request validation: a request must match the OpenAPI description of its route.

The framework ignores an unknown parameter, so that a search by a mistyped criterion would find
everything. It takes the last of two parameters with one name, reads JSON sent to a form as an empty
form, and drops unknown parts of a form.
"""

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from shared.runtime.web.form_fields import ExpectedField
from shared.runtime.web.forms import MULTIPART, URLENCODED, read_form
from shared.runtime.web.problems import (
    SHOWN,
    Problem,
    UnreadableError,
    build_form_violation,
    build_refused,
)
from shared.vocabulary.rules import Violation

_FORMS = (MULTIPART, URLENCODED)
_Schema = Mapping[str, Any]
JUDGED_ROUTE = "aiguillage.route"
"""Key of an ASGI scope: path of the route whose need was judged, set by access control."""


class DescribedRoute(APIRoute):
    """Route class of every service: refuses a request that its description does not foresee.

    It reads forms and JSON itself, and passes them to the framework as if that had read them.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler."""
        handle = super().get_route_handler()

        async def handle_described(request: Request) -> Response:
            if request.scope.get(JUDGED_ROUTE, self.path_format) != self.path_format:
                raise RuntimeError(f"{self.path_format} is served, another route was judged")
            description = request.app.openapi()
            # A route does not know the prefix of the application.
            path = getattr(request.app.state, "prefix", "") + self.path_format
            operation = description["paths"][path][request.method.lower()]
            await _check(request, operation, description)
            return await handle(request)

        return handle_described


async def _check(request: Request, operation: _Schema, description: _Schema) -> None:
    if found := [*_check_parameters(request, operation), *_check_headers(request, operation)]:
        raise build_refused(found)
    expected = operation.get("requestBody", {}).get("content", {})
    try:
        if form := next((each for each in _FORMS if each in expected), None):
            await _read_form(request, _read_fields(expected[form]["schema"], description))
        elif expected:
            await _read_json(request)
    except ClientDisconnect:
        raise UnreadableError(400, "L'envoi a été interrompu : rien n'a été gardé.") from None


def _check_parameters(request: Request, operation: _Schema) -> Iterator[Violation]:
    described = [each for each in operation.get("parameters", ()) if each["in"] == "query"]
    known = [each["name"] for each in described]
    lists = {
        each["name"] for each in described if _find_leaf(each["schema"]).get("type") == "array"
    }
    there_are = f"ceux qui existent : {', '.join(known)}" if known else "il n'y en a pas ici"
    for name in dict.fromkeys(request.query_params):
        if name not in known:
            yield _build_violation(
                name,
                f"Le paramètre « {name[:SHOWN]} » n'existe pas ; {there_are}.",
                "Retirer ce paramètre, ou en corriger le nom.",
            )
        elif name not in lists and len(request.query_params.getlist(name)) > 1:
            yield _build_repeated(name, f"Le paramètre « {name} »")


def _check_headers(request: Request, operation: _Schema) -> Iterator[Violation]:
    for each in operation.get("parameters", ()):
        if each["in"] == "header" and len(request.headers.getlist(each["name"])) > 1:
            yield _build_repeated(each["name"], f"L'en-tête « {each['name']} »")


def _build_repeated(name: str, what: str) -> Violation:
    return _build_violation(name, f"{what} ne peut être donné qu'une fois.", "N'en garder qu'un.")


def _build_violation(field: str, message: str, remedy: str) -> Violation:
    return Violation("HTTP-FORM-01", field, message, remedy)


async def _read_form(request: Request, fields: Mapping[str, ExpectedField]) -> None:
    content_type = request.headers.get("content-type", "")
    sent = content_type.partition(";")[0].strip().lower()
    has_body = request.headers.get("content-length", "0") != "0"
    if sent not in _FORMS:
        # An empty body has no type: the framework then names the missing fields.
        if sent or has_body or "transfer-encoding" in request.headers:
            given = sent[:SHOWN] or "un corps sans type"
            raise Problem(
                415,
                "HTTP-415",
                f"Un formulaire est attendu ici ({MULTIPART}), et non {given} : rien n'a été lu.",
            )
        return
    form = await read_form(content_type, request.stream(), fields)
    request._form = form  # noqa: SLF001 - `request.form()` returns it from now on


async def _read_json(request: Request) -> None:
    if not request.headers.get("content-type", "").partition(";")[0].strip().endswith("json"):
        return
    if repeated := find_repeated_keys(await request.body()):
        raise build_refused([build_form_violation([name], "repeated", {}) for name in repeated])


def find_repeated_keys(text: str | bytes) -> list[str]:
    """List the keys that an object of a JSON text has twice: the parser would keep the last only.

    Empty for a text that is not JSON, or is nested too deeply.
    """
    repeated: dict[str, None] = {}

    def note_repeated(pairs: list[tuple[str, object]]) -> None:
        if len(dict(pairs)) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            repeated.update((name, None) for name, count in counts.items() if count > 1)

    try:
        json.loads(text, object_pairs_hook=note_repeated)
    except (ValueError, RecursionError):
        return []
    return list(repeated)


def _read_fields(schema: _Schema, description: _Schema) -> dict[str, ExpectedField]:
    if reference := schema.get("$ref"):
        schema = description["components"]["schemas"][reference.rpartition("/")[2]]
    return {name: _read_expected(each) for name, each in schema["properties"].items()}


def _read_expected(schema: _Schema) -> ExpectedField:
    leaf = _find_leaf(schema)
    is_list = leaf.get("type") == "array"
    one = leaf["items"] if is_list else leaf
    return ExpectedField(one.get("contentMediaType") == "application/octet-stream", is_list)


def _find_leaf(schema: _Schema) -> _Schema:
    """Find the schema of a field's value, when the field is not null."""
    kinds = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return kinds[0] if kinds else schema
