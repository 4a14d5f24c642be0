"""Composition root."""

from fastapi import FastAPI

from services.organisation.adapters import MongoStructures
from services.organisation.application import Declarations
from services.organisation.entrypoints import create_router
from services.organisation.settings import Settings
from shared.runtime.ids import new_id
from shared.runtime.service import Runtime


def build() -> tuple[Runtime, FastAPI]:
    """Build the service."""
    runtime = Runtime("organisation", Settings())
    structures = MongoStructures(runtime.store)
    declaring = Declarations(structures, runtime.clock, new_id)
    runtime.prepare(structures.prepare)
    return runtime, runtime.build_app(
        title="Aiguillage : organisation",
        description="Les structures, leurs services et leurs paramètres.",
        routers=[create_router(structures, declaring)],
    )
