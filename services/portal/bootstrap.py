"""Composition root."""

from fastapi import FastAPI

from services.portal.adapters.projections import project_dossiers, project_structures
from services.portal.entrypoints.http import create_router
from services.portal.settings import Settings
from shared.contracts.topics import DOSSIER, STRUCTURE
from shared.runtime.service import Runtime


def build() -> tuple[Runtime, FastAPI]:
    """Put the service together."""
    runtime = Runtime("portal", Settings())
    runtime.project({DOSSIER: project_dossiers, STRUCTURE: project_structures})
    return runtime, runtime.app(
        title="Aiguillage : portail",
        description="Les pièces d'une structure : recherche, tableau de bord, liste fiscale.",
        routers=[create_router()],
    )
