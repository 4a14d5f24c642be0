"""Printed report of the demo: each hop with its latency, the days that pass, and remarks."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from deploy.local.demo.routing_events import Hop, RoutingEvents
from deploy.local.demo.runs import JourneyRun
from deploy.local.demo.structures import STRUCTURES
from shared.vocabulary.roles import Purpose

_console = Console(width=124)


def print_users() -> None:
    """Print who is signed in, for which structure."""
    table = Table("connecté", "adresse", "structure", title="qui agit, un jeton chacun")
    for each in STRUCTURES:
        table.add_row(each.user.name, each.user.email, each.name)
    _console.print(table)


def print_report(runs: Sequence[JourneyRun], events: RoutingEvents) -> None:
    """Print the hops by dossier, in the order of the journeys, and the remarks."""
    table = Table("dossier", title="hops")
    for column in ("cadre", "de", "à", "topic", "latence"):
        table.add_column(column, no_wrap=True)
    by_dossier = {
        dossier: list(hops)
        for dossier, hops in groupby(
            sorted(events.hops, key=lambda hop: (hop.forwarded.dossier_id, hop.event_id)),
            key=lambda hop: hop.forwarded.dossier_id,
        )
    }
    for rank, run in enumerate(runs, 1):
        label = run.context.tally.dossiers[run.dossier_id]
        before = None
        for hop in by_dossier.get(run.dossier_id, []):
            days = (hop.forwarded.forwarded_at - before).days if before else 0
            if days:
                table.add_row(f"… {days} jours passent")
            table.add_row("" if before else f"{rank}. {label}", *_build_row(hop))
            before = hop.forwarded.forwarded_at
        table.add_section()
    _console.print(table)
    remarks = Table("vu", "réponse", title="et aussi")
    for remark in runs[0].context.tally.remarks:
        remarks.add_row(*remark)
    _console.print(remarks)


def _build_row(hop: Hop) -> tuple[str, ...]:
    piece = hop.forwarded
    to = piece.role if piece.purpose is Purpose.ACTION else f"{piece.role} (information)"
    latency = "" if hop.latency_ms is None else f"{hop.latency_ms:.0f} ms"
    return piece.cadre, piece.sender.role, to, hop.topic, latency
