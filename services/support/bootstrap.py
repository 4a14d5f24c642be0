"""Composition root."""

from fastapi import FastAPI

from services.support.entrypoints.catalogue import create_catalogue_router
from services.support.settings import Settings, catalogue_at
from shared.runtime.service import Runtime


def build() -> tuple[Runtime, FastAPI]:
    """Put the service together."""
    settings = Settings()
    runtime = Runtime("support", settings)
    catalogue = catalogue_at(settings.catalogue)
    return runtime, runtime.app(
        title="Aiguillage : assistance",
        description="Les questions, le bureau qui y répond, et leur suivi.",
        routers=[create_catalogue_router(catalogue)],
    )
