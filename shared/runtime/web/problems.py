"""Problem details (RFC 9457): every HTTP error, in French, with a stable code."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.circuit.rules import TEXT_UNREADABLE
from shared.contracts.texts import UNSHOWABLE
from shared.runtime.error_descriptions import describe_error
from shared.runtime.errors import DamagedFileError, NewerDocumentError, TooLargeError, is_transient
from shared.runtime.logs import get_logger
from shared.vocabulary.rules import RETRY, Violation, is_retriable, join_messages
from shared.vocabulary.texts import make_showable

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
"""Seconds after which a client may retry: value of the header `Retry-After`."""
_RETRY = {"Retry-After": str(RETRY_AFTER_S)}
FAULTS_SHOWN = 50
"""Limit of the faults named in one answer: a body may hold tens of thousands."""
SHOWN = 60
"""Characters of a field's name that are shown: a client may have sent a long one."""
_TITLES = {
    400: "Requête mal formée",
    401: "Appelant inconnu",
    403: "Accès refusé",
    404: "Introuvable",
    405: "Méthode non prévue",
    408: "Délai dépassé",
    409: "Action impossible dans l'état actuel",
    412: "Version dépassée",
    413: "Envoi trop volumineux",
    415: "Format non pris en charge",
    422: "Données refusées",
    429: "Trop de demandes",
    431: "En-têtes trop volumineux",
    500: "Erreur interne",
    503: "Service momentanément indisponible",
}
_DETAILS = {
    400: "Le corps de la requête n'a pas pu être lu : il est incomplet, mal formé ou en trop de "
    "parties.",
}
_log = get_logger(__name__)


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """HTTP error that is answered by problem details."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        violations: Sequence[Violation] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the HTTP status, the stable code, a French sentence and the broken rules."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.violations = violations
        self.headers = dict(headers or {})


class UnreadableError(HTTPException):
    """Error while a body is read, with a French sentence; the framework hides any other error."""


def build_refused(violations: Sequence[Violation], status: int = 422) -> Problem:
    """Build the problem for broken rules; its code is that of the first one.

    It says when to retry if the refusal may only be early.
    """
    headers = build_retry_headers(violations)
    detail = join_messages(violations)
    return Problem(status, violations[0].code, detail, violations, headers)


def build_retry_headers(violations: Sequence[Violation]) -> dict[str, str]:
    """Build the header `Retry-After` of a refusal that may only be early; none for another one."""
    return _RETRY if is_retriable(violations) else {}


def build_not_found(what: str, *, can_be_early: bool = False) -> Problem:
    """Build a 404 problem for what does not exist, or must look so to this caller.

    `can_be_early` says that another service makes it known here: the problem says when to retry.
    """
    detail = f"{what} : introuvable."
    if can_be_early:
        return Problem(404, "HTTP-404", f"{detail} {RETRY}", headers=_RETRY)
    return Problem(404, "HTTP-404", detail)


def build_unavailable(code: str, detail: str) -> Problem:
    """Build a 503 problem: nothing of the request was kept, the caller may retry."""
    return Problem(503, code, detail, headers=_RETRY)


def respond(problem: Problem) -> JSONResponse:
    """Build the response of a problem."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _find_title(problem.status),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    if problem.violations:
        body["violations"] = [
            {"code": each.code, "field": each.field, "message": each.message, "remedy": each.remedy}
            for each in problem.violations
        ]
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def _find_title(status: int) -> str:
    return _TITLES.get(status, HTTPStatus(status).phrase)


def install_handlers(app: FastAPI) -> None:
    """Install the handlers that answer `Problem` and errors of the framework by problem details.

    `handle_unforeseen` builds the problem of any other error.
    """

    @app.exception_handler(Problem)
    async def on_problem(_: Request, problem: Problem) -> JSONResponse:
        return respond(problem)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return respond(
            build_refused([_build_violation(each) for each in error.errors()[:FAULTS_SHOWN]])
        )

    @app.exception_handler(WebSocketRequestValidationError)
    async def on_invalid_handshake(
        _: WebSocket, error: WebSocketRequestValidationError
    ) -> JSONResponse:
        return respond(
            build_refused([_build_violation(each) for each in error.errors()[:FAULTS_SHOWN]])
        )

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        status = error.status_code
        # Only our own sentences are shown: those of the framework are in English.
        is_ours = isinstance(error, UnreadableError)
        detail = error.detail if is_ours else _DETAILS.get(status, f"{_find_title(status)}.")
        headers = dict(error.headers or {})
        if headers.get("Allow") == "GET":
            headers["Allow"] = "GET, HEAD"
        return respond(Problem(status, f"HTTP-{status}", detail, headers=headers))


def handle_unforeseen(error: Exception) -> Problem:
    """Log an unexpected error, and build its problem.

    503 when a retry may help, 413 for an event too large for the broker, otherwise 500.
    """
    if isinstance(error, NewerDocumentError):
        _log.warning("request.newer", error=str(error))
        return build_unavailable(
            "HTTP-VERSION-01",
            "Une version plus récente du service a écrit ce qui est demandé, et celle-ci ne sait "
            "pas le lire : recommencer dans quelques instants.",
        )
    if is_transient(error):
        _log.warning("request.unavailable", error=describe_error(error))
        return build_unavailable("HTTP-503", "Le service ne peut rien enregistrer pour le moment.")
    if isinstance(error, TooLargeError):
        _log.warning("request.too_large", error=str(error))
        return _build_too_large(error)
    if isinstance(error, DamagedFileError):
        return _build_damaged(error)
    _log.error("request.failed", exc_info=error)
    return Problem(500, "HTTP-500", "Une erreur interne a empêché de répondre.")


def _build_too_large(error: TooLargeError) -> Problem:
    """Build the problem of an event too large for the broker; a service's rules catch most."""
    violation = Violation(
        code="HTTP-EVENT-01",
        field=error.field,
        message=f"Ce qui en serait transmis pèse {error.size} octets, pour {error.limit} au plus.",
        remedy=f"Alléger d'abord « {error.field} » : rien n'a été enregistré.",
    )
    return build_refused([violation], 413)


def _build_damaged(error: DamagedFileError) -> Problem:
    """Build a 500 problem for a damaged file, so that nobody uses what is left of it."""
    return Problem(
        500,
        "HTTP-FILE-01",
        "Le contenu conservé n'est plus celui du fichier déposé : il n'est pas remis. "
        f"Le signaler à l'exploitant, qui le restaurera. Empreinte : {error.sha256}.",
    )


_SENTENCES = {
    "missing": "Ce champ est obligatoire.",
    "extra_forbidden": "Le champ « {field} » n'existe pas.",
    "repeated": "Le champ « {field} » ne peut être donné qu'une fois.",
    "json_invalid": "Ce n'est pas du JSON valide.",
    "enum": "Cette valeur ne fait pas partie des valeurs prévues : {expected}.",
    "literal_error": "Cette valeur ne fait pas partie des valeurs prévues : {expected}.",
    "string_too_long": "Ce texte dépasse {max_length} caractères.",
    "string_too_short": "Ce texte est trop court : {min_length} caractères au moins.",
    "too_long": "Cette liste est trop longue.",
    "listed_twice": "Cette liste contient deux fois la même valeur.",
    "string_type": "Un texte est attendu.",
    "int_parsing": "Un nombre entier est attendu.",
    "bool_parsing": "Une valeur booléenne est attendue.",
    "email": "Une adresse électronique est attendue.",
    "iso_date": "Une date AAAA-MM-JJ est attendue, entre 2000 et 2099.",
}


def _build_violation(error: Mapping[str, Any]) -> Violation:
    """Build the violation of a field, in French, from an error of pydantic."""
    # The first part of `loc` is the part of the request; malformed JSON has an offset and no field.
    path = [] if error["type"] == "json_invalid" else [str(part) for part in error["loc"][1:]]
    return build_form_violation(path, error["type"], error.get("ctx", {}))


def build_form_violation(path: Sequence[str], kind: str, context: Mapping[str, Any]) -> Violation:
    """Build the violation of a field, in French, from pydantic's error `kind`."""
    # A client may have put into the name of a field characters that no answer can hold.
    field = make_showable(".".join(path))
    if kind == UNSHOWABLE:
        return TEXT_UNREADABLE.build_violation(
            field or "requête", label=f"Le champ « {field[:SHOWN]} »"
        )
    sentence = _SENTENCES.get(kind, "Cette valeur n'a pas la forme attendue.")
    if kind == "string_too_short" and context.get("min_length") == 1:
        sentence = "Ce texte est vide."
    return Violation(
        code="HTTP-FORM-01",
        field=field or "requête",
        message=sentence.format_map(
            # pydantic joins the expected values in English
            {key: str(value).replace(" or ", " ou ") for key, value in context.items()}
            | {"field": field[:SHOWN]}
        ),
        remedy="Corriger ce champ ; la description de l'API en donne la forme.",
    )
