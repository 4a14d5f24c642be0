"""A request must be one that the service's own description (OpenAPI) foresees.

The framework overlooks a parameter that no route reads, so that a search by a mistyped criterion
would find everything, and reads JSON sent to a form as a form without a field.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from starlette.requests import HTTPConnection

from shared.runtime.problems import Problem, refused
from shared.vocabulary.rules import Violation

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_PREFERRED = _FORMS[0]


async def as_described(connection: HTTPConnection) -> None:
    """Refuse parameters that the route does not have, and a body that is no form where one is due.

    Raises Problem 415 or 422. Open to every route: a WebSocket is not described, and passes.
    """
    scope = connection.scope
    if scope["type"] != "http":
        return
    paths = connection.app.openapi()["paths"]
    operation = paths.get(scope["route"].path_format, {}).get(scope["method"].lower(), {})
    _check_body(operation, connection.headers.get("content-type", ""))
    known = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    if found := list(_unknown(connection.query_params, known)):
        raise refused(found)


def _check_body(operation: Mapping[str, Any], content_type: str) -> None:
    expected = operation.get("requestBody", {}).get("content", {})
    sent = content_type.partition(";")[0].strip().lower()
    # Without a body there is no type either: the missing fields are named then.
    if sent and sent not in _FORMS and any(form in expected for form in _FORMS):
        raise Problem(
            415,
            "HTTP-415",
            f"Un formulaire est attendu ici ({_PREFERRED}), et non {sent} : rien n'a été lu.",
        )


def _unknown(asked: Collection[str], known: Collection[str]) -> Iterator[Violation]:
    there_are = f"ceux qui existent : {', '.join(known)}" if known else "il n'y en a pas ici"
    for name in dict.fromkeys(asked):
        if name not in known:
            yield Violation(
                code="HTTP-FORM-01",
                field=name,
                message=f"Le paramètre « {name} » n'existe pas ; {there_are}.",
                remedy="Retirer ce paramètre, ou en corriger le nom.",
            )
