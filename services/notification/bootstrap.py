"""Composition root."""

from fastapi import FastAPI

from services.notification.adapters import MongoStatuses
from services.notification.application import History
from services.notification.entrypoints import create_router, keep_statuses
from services.notification.settings import Settings
from shared.contracts.topics import STATUT
from shared.runtime.service import Runtime
from shared.runtime.web.live import Bells, Seats


def build() -> tuple[Runtime, FastAPI]:
    """Put the service together."""
    settings = Settings()
    runtime = Runtime("notification", settings)
    statuses = MongoStatuses(runtime.store)
    bells = Bells()
    history = History(statuses, bells, settings.heartbeat_s)
    runtime.prepare(statuses.prepare)
    runtime.consume({STATUT: keep_statuses(statuses.keep)})
    runtime.background("bells", lambda: statuses.ring(bells))
    runtime.before_stop(bells.close)
    return runtime, runtime.app(
        title="Aiguillage : notification",
        description="L'historique des statuts, consulté ou suivi en direct.",
        routers=[create_router(history, Seats(settings.streams, settings.streams_per_structure))],
    )
