"""HTTP route of the export: a dossier as a zip that anybody can verify."""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse

from services.portal.application.exports import DamagedError, TooLargeError, UnavailableError
from shared.contracts.texts import TypedText
from shared.rights.model import Requester
from shared.runtime.logs import get_logger
from shared.runtime.web.caller import Caller, Who
from shared.runtime.web.problems import Problem, build_not_found, build_unavailable
from shared.runtime.web.request_validation import DescribedRoute
from shared.vocabulary.ids import has_id_form

Export = Callable[[str, Requester], Awaitable[BinaryIO | None]]
"""Returns the file of an export; None when the caller has no such dossier."""

_CHUNK = 256 * 1024
_ID = re.compile(r"[A-Za-z0-9_-]+")
_log = get_logger(__name__)


def create_export_router(export: Export) -> APIRouter:
    """Build the route."""
    router = APIRouter(route_class=DescribedRoute, tags=["export"])

    @router.get(
        "/dossiers/{dossier_id}/export",
        summary="Un dossier en zip : fichiers, statuts, piste d'audit, et de quoi les vérifier.",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/zip": {}}}},
    )
    async def export_dossier(
        dossier_id: Annotated[str, TypedText(100), Path()],
        _: Caller,
        who: Who,
    ) -> StreamingResponse:
        # Only an id is sent to other services: in a path, `..` would name another resource.
        file = await _export(export, dossier_id, who) if _ID.fullmatch(dossier_id) else None
        if file is None:
            raise build_not_found(f"Dossier {dossier_id}", can_be_early=has_id_form(dossier_id))
        return StreamingResponse(
            _read_chunks(file),
            media_type="application/zip",
            headers={
                "Content-Length": str(_measure_size(file)),
                "Content-Disposition": f'attachment; filename="dossier-{dossier_id}.zip"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            },
        )

    return router


async def _export(export: Export, dossier_id: str, by: Requester) -> BinaryIO | None:
    try:
        return await export(dossier_id, by)
    except UnavailableError as error:
        _log.warning("export.not_now", dossier_id=dossier_id, error=str(error))
        raise build_unavailable(
            "POR-EXPORT-01", "Le dossier ne peut pas être rassemblé pour le moment."
        ) from None
    except DamagedError as error:
        _log.error("export.damaged", dossier_id=dossier_id, file=str(error))
        raise Problem(
            500,
            "POR-EXPORT-03",
            "Un fichier du dossier n'est plus celui qui a été déposé : le signaler à l'exploitant.",
        ) from None
    except TooLargeError as error:
        _log.warning("export.too_large", dossier_id=dossier_id, error=str(error))
        raise Problem(
            413, "POR-EXPORT-02", "Les fichiers du dossier dépassent la taille d'un export."
        ) from None


def _measure_size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _read_chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
