"""What the demo prints: every hop, the days that pass between them, and what else was seen."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from deploy.local.demo.hops import Hop, Watch
from deploy.local.demo.play import Play
from shared.vocabulary.roles import Purpose

_console = Console(width=124)


def show(plays: Sequence[Play], watch: Watch) -> None:
    """Print the hops by dossier, in the order of the journeys, and the remarks."""
    table = Table("dossier", title="hops")
    for column in ("cadre", "de", "à", "topic", "latence"):
        table.add_column(column, no_wrap=True)
    by_dossier = {
        dossier: list(hops)
        for dossier, hops in groupby(
            sorted(watch.hops, key=lambda hop: (hop.forwarded.dossier_id, hop.event_id)),
            key=lambda hop: hop.forwarded.dossier_id,
        )
    }
    for rank, play in enumerate(plays, 1):
        label = play.scene.tally.dossiers[play.dossier_id]
        before = None
        for hop in by_dossier.get(play.dossier_id, []):
            days = (hop.forwarded.forwarded_at - before).days if before else 0
            if days:
                table.add_row(f"… {days} jours passent")
            table.add_row("" if before else f"{rank}. {label}", *_row(hop))
            before = hop.forwarded.forwarded_at
        table.add_section()
    _console.print(table)
    remarks = Table("vu", "réponse", title="et aussi")
    for remark in plays[0].scene.tally.remarks:
        remarks.add_row(*remark)
    _console.print(remarks)


def _row(hop: Hop) -> tuple[str, ...]:
    piece = hop.forwarded
    to = piece.role if piece.purpose is Purpose.ACTION else f"{piece.role} (information)"
    latency = "" if hop.latency_ms is None else f"{hop.latency_ms:.0f} ms"
    return piece.cadre, piece.sender.role, to, hop.topic, latency
