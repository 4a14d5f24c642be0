"""Where exports are made, a few at a time: each takes room on the disk and the peers' time."""

import asyncio
from typing import BinaryIO

from services.portal.adapters.export_peers import HttpPeers, client
from services.portal.adapters.export_zip import ZipArchive
from services.portal.application.exporting import Exporting, NotNowError
from services.portal.settings import Settings
from shared.vocabulary.actors import Actor


class ExportDesk:
    """Makes the file of an export."""

    def __init__(self, exporting: Exporting, settings: Settings) -> None:
        """Make exports within the limits of these settings."""
        self._exporting = exporting
        self._settings = settings
        self._turn = asyncio.Semaphore(settings.export_at_once)
        self._waiting = 0

    async def export(self, dossier_id: str, by: Actor) -> BinaryIO | None:
        """Give the file, at its beginning; None when the caller has no such dossier."""
        if self._waiting >= self._settings.export_waiting:
            raise NotNowError("too many exports wait")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._make(dossier_id, by)
        finally:
            self._waiting -= 1

    async def _make(self, dossier_id: str, by: Actor) -> BinaryIO | None:
        settings = self._settings
        archive = ZipArchive(settings.export_max_mb)
        is_whole = False
        try:
            async with client() as http:
                peers = HttpPeers(
                    http, settings.deposit_url, settings.routing_url, by, settings.export_file_mb
                )
                is_whole = await self._exporting.export(dossier_id, by, peers, archive)
            return archive.finish() if is_whole else None
        finally:
            if not is_whole:
                archive.discard()
