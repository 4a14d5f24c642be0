"""Composition root."""

from fastapi import FastAPI

from services.deposit.adapters.certificates import certify
from services.deposit.adapters.dossier_projection import (
    MongoDossiers,
    project_dossiers,
)
from services.deposit.adapters.ledger import MongoLedger
from services.deposit.adapters.pieces import MongoPieces
from services.deposit.adapters.reader_pool import ReaderLimits, ReaderPool
from services.deposit.adapters.sheet_projection import MongoSheets, project_sheets
from services.deposit.application.additions import Completions
from services.deposit.application.consultations import Consultations
from services.deposit.application.deposits import Deposits
from services.deposit.application.openings import Openings
from services.deposit.application.ports import Policy, Ports
from services.deposit.entrypoints.http import create_router
from services.deposit.settings import Settings
from shared.circuit.loader import load_current, switch_rows_off
from shared.contracts.topics import DOSSIER, MANDAT, MARCHE, STRUCTURE
from shared.runtime.ids import new_id
from shared.runtime.logs import get_logger
from shared.runtime.messaging.directory import Directory, project_structures
from shared.runtime.messaging.mandates import Mandates, project_mandates
from shared.runtime.messaging.projection import ProjectionConfig
from shared.runtime.service import Runtime
from shared.runtime.store.files import Files

_BODY_LIMIT_MB = 130
"""Size limit of a form with files: a piece and its attachments."""
_log = get_logger(__name__)


def build() -> tuple[Runtime, FastAPI]:
    """Build the service."""
    settings = Settings()
    runtime = Runtime("deposit", settings)
    store, clock = runtime.store, runtime.clock
    files, pieces, dossiers = Files(store, clock), MongoPieces(store), MongoDossiers(store)
    readers = ReaderPool(build_reader_limits(settings))
    ledger = MongoLedger(store, max_group=settings.max_group, max_waiting=settings.max_waiting)
    ports = Ports(
        reader=readers.read,
        structures=Directory(store),
        mandates=Mandates(store),
        sheets=MongoSheets(store),
        dossiers=dossiers,
        pieces=pieces,
        ledger=ledger,
        vault=files,
        certify=certify,
        clock=clock,
        new_id=new_id,
    )
    switched = switch_rows_off(load_current(settings.write_level), settings.switched_off.split())
    policy = Policy(
        circuit=switched.circuit,
        level=settings.write_level,
        require_moa=settings.require_moa,
        max_number_length=settings.max_number_length,
        max_read_at_once=settings.max_read_at_once,
    )

    async def log_switched_off() -> None:
        for each in switched.switched_off:
            row = each.row
            _log.warning("circuit.off", cadre=row.cadre, moa=row.moa_present, reason=each.reason)

    # The log is configured after this function, so this line is logged at the start.
    runtime.prepare(log_switched_off)
    runtime.prepare(pieces.prepare)
    runtime.prepare(files.prepare)
    runtime.prepare(readers.prepare)
    runtime.project(
        {
            STRUCTURE: ProjectionConfig(project_structures, "structures"),
            DOSSIER: ProjectionConfig(project_dossiers, "dossiers", prepare=dossiers.prepare),
            MANDAT: ProjectionConfig(project_mandates, "mandates", prepare=Mandates(store).prepare),
            MARCHE: ProjectionConfig(project_sheets, "sheets", prepare=MongoSheets(store).prepare),
        }
    )
    runtime.run_in_background("ledger", ledger.run)
    runtime.run_in_background("readers", readers.run)
    runtime.sweep_files(files, pieces.find_referenced_files)
    app = runtime.build_app(
        title="Dépôt",
        description="Dépose les pièces de facturation de travaux et en donne un certificat.",
        routers=[
            create_router(
                Deposits(ports, policy),
                Completions(ports, policy.level),
                Consultations(ports, policy.level),
                Openings(ports, policy),
            )
        ],
        uploads={"/pieces": _BODY_LIMIT_MB},
    )
    return runtime, app


def build_reader_limits(settings: Settings) -> ReaderLimits:
    """Build the limits of the readers of files from settings."""
    return ReaderLimits(
        readers=settings.readers,
        memory_mb=settings.reader_memory_mb,
        cpu_s=settings.reader_cpu_s,
        wall_s=settings.reader_wall_s,
        wait_s=settings.reader_wait_s,
    )
