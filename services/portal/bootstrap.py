"""Composition root."""

from collections.abc import Mapping

from fastapi import FastAPI

from services.portal.adapters.documents import PIECES
from services.portal.adapters.dossier_projection import DOSSIERS, project_dossiers
from services.portal.adapters.export_assets import read_assets
from services.portal.adapters.export_queue import ExportQueue
from services.portal.adapters.marks import COLLECTION as MARKS
from services.portal.adapters.marks import build_feed
from services.portal.adapters.pieces import MongoPieces
from services.portal.adapters.sheets import CsvSheet, XlsxSheet
from services.portal.application.exports import Exports
from services.portal.application.fiscal_lists import FiscalLists
from services.portal.application.ports import Sheet
from services.portal.application.searches import Searches
from services.portal.entrypoints.export import create_export_router
from services.portal.entrypoints.http import create_router
from services.portal.settings import Settings
from shared.contracts.topics import DOSSIER, STRUCTURE
from shared.runtime.messaging.directory import Directory, project_structures
from shared.runtime.messaging.projection import ProjectionConfig
from shared.runtime.service import Runtime

_SHEETS: Mapping[str, Sheet] = {"csv": CsvSheet(), "xlsx": XlsxSheet()}


def build() -> tuple[Runtime, FastAPI]:
    """Build the service."""
    settings = Settings()
    runtime = Runtime("portal", settings)
    pieces, structures = MongoPieces(runtime.store), Directory(runtime.store)
    desk = ExportQueue(Exports(read_assets(settings.write_level), runtime.clock), settings)
    runtime.project(
        {
            STRUCTURE: ProjectionConfig(project_structures, "structures"),
            DOSSIER: ProjectionConfig(
                project_dossiers,
                DOSSIERS,
                parts={PIECES.collection: "dossier_id", MARKS: "dossier_id"},
                prepare=pieces.prepare,
            ),
        }
    )
    runtime.number(build_feed(runtime.store))
    return runtime, runtime.build_app(
        title="Aiguillage : portail",
        description="Les pièces d'une structure : recherche, tableau de bord, liste fiscale.",
        routers=[
            create_router(Searches(pieces, structures), FiscalLists(pieces, structures), _SHEETS),
            create_export_router(desk.export),
        ],
    )
