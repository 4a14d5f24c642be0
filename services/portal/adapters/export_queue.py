"""Queue of exports: a few run at a time, as each takes disk and time of other services."""

import asyncio
from typing import BinaryIO

from services.portal.adapters.export_peers import HttpPeers, open_client
from services.portal.adapters.export_zip import ZipArchive
from services.portal.application.exports import Exports, UnavailableError
from services.portal.settings import Settings
from shared.rights.model import Requester


class ExportQueue:
    """Queue that runs a few exports at a time, and refuses those over its limit."""

    def __init__(self, exporting: Exports, settings: Settings) -> None:
        """Use the limits of these settings."""
        self._exporting = exporting
        self._settings = settings
        self._semaphore = asyncio.Semaphore(settings.export_at_once)
        self._waiting = 0

    async def export(self, dossier_id: str, by: Requester) -> BinaryIO | None:
        """Return the file of an export; None when the caller has no such dossier.

        Raises UnavailableError when too many exports wait.
        """
        if self._waiting >= self._settings.export_waiting:
            raise UnavailableError("too many exports wait")
        self._waiting += 1
        try:
            async with self._semaphore:
                return await self._make(dossier_id, by)
        finally:
            self._waiting -= 1

    async def _make(self, dossier_id: str, by: Requester) -> BinaryIO | None:
        settings = self._settings
        archive = ZipArchive(settings.export_max_mb)
        is_whole = False
        try:
            async with open_client() as http:
                peers = HttpPeers(
                    http, settings.deposit_url, settings.routing_url, by, settings.export_file_mb
                )
                is_whole = await self._exporting.export(dossier_id, by.actor, peers, archive)
            return archive.finish() if is_whole else None
        finally:
            if not is_whole:
                archive.discard()
