"""Composition root."""

from fastapi import FastAPI

from services.notification.adapters import MongoStatuses
from services.notification.application import History
from services.notification.entrypoints import create_router, keep_statuses
from services.notification.settings import Settings
from shared.contracts.topics import STATUT
from shared.runtime.notifier import Notifier
from shared.runtime.service import Runtime
from shared.runtime.web.connection_limit import ConnectionLimit


def build() -> tuple[Runtime, FastAPI]:
    """Build the service."""
    settings = Settings()
    runtime = Runtime("notification", settings)
    statuses = MongoStatuses(runtime.store)
    notifier = Notifier()
    history = History(statuses, notifier, settings.heartbeat_s)
    runtime.prepare(statuses.prepare)
    runtime.consume({STATUT: keep_statuses(statuses.keep)})
    runtime.run_in_background("notifier", lambda: statuses.watch(notifier))
    runtime.call_before_stop(notifier.close)
    return runtime, runtime.build_app(
        title="Aiguillage : notification",
        description="L'historique des statuts, consulté ou suivi en direct.",
        routers=[
            create_router(
                history, ConnectionLimit(settings.streams, settings.streams_per_structure)
            )
        ],
    )
