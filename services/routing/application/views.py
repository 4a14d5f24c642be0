"""Views of a dossier and of its audit trail, limited to what a party may see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from services.routing.application.journey import Journey, is_party
from services.routing.application.ports import Dossiers, Report, StoredEntry
from services.routing.domain.delay_starts import DelayStart, list_delay_starts
from services.routing.domain.dossier import Dossier, replay
from services.routing.domain.events import DelayElapsed, DelayReminded, Event, StatusSet
from services.routing.domain.stamps import Stamps, list_stamps, may_have_lost_stamps
from shared.circuit.visibility import is_visible_to, may_know_delay
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status


@dataclass(frozen=True, slots=True)
class DossierView:
    """A dossier, with every stamp of its pieces, and the starts of its delays."""

    dossier: Dossier
    stamps: Stamps
    starts: tuple[DelayStart, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditView:
    """The entries of an audit trail that a party may see, and the result of its verification."""

    entries: tuple[StoredEntry, ...]
    report: Report


async def view_as(dossiers: Dossiers, journey: Journey, role: Role) -> Journey:
    """Return a journey as a role may see it: before what is hidden from that role."""
    awaited = journey.dossier.awaited
    may_know_all = awaited is None or _may_know_delay(role, awaited.actor.role, journey)
    statuses = (piece.status for piece in journey.dossier.pieces)
    if may_know_all and all(_can_see(role, status, journey) for status in statuses):
        return journey
    kept = _filter_visible(await dossiers.read_trail(journey.dossier.id), journey, role)
    dossier = replay(event for each in kept for event in each.entry.events)
    return replace(journey, dossier=dossier) if dossier else journey


async def add_stamps(dossiers: Dossiers, dossier: Dossier) -> DossierView:
    """Read the stamps of a dossier, of its trail where it does not have them all."""
    events = await read_events(dossiers, dossier.id) if may_have_lost_stamps(dossier) else ()
    return DossierView(dossier, list_stamps(dossier, events))


async def view_whole(dossiers: Dossiers, dossier: Dossier) -> DossierView:
    """Read the stamps of a dossier and the starts of its delays, by its trail."""
    events = await read_events(dossiers, dossier.id)
    return DossierView(dossier, list_stamps(dossier, events), list_delay_starts(dossier, events))


async def read_events(dossiers: Dossiers, dossier_id: str) -> tuple[Event, ...]:
    """Read the events of a dossier, oldest first, up to the first entry that cannot be read."""
    trail = await dossiers.read_trail(dossier_id)
    return tuple(event for each in trail for event in each.entry.events)


async def view_dossier(dossiers: Dossiers, dossier_id: str, actor: Actor) -> DossierView | None:
    """Read a dossier for one of its parties; None for anybody else."""
    journey = await dossiers.find_journey(dossier_id)
    if journey is None or not is_party(journey.dossier, actor):
        return None
    return await view_whole(dossiers, (await view_as(dossiers, journey, actor.role)).dossier)


async def view_dossier_of_piece(dossiers: Dossiers, piece_id: str, actor: Actor) -> Dossier | None:
    """Read the dossier of a piece for one of its parties; None for anybody else."""
    journey = await dossiers.find_journey_of_piece(piece_id)
    if journey is None or not is_party(journey.dossier, actor):
        return None
    return (await view_as(dossiers, journey, actor.role)).dossier


async def view_audit(dossiers: Dossiers, dossier_id: str, actor: Actor) -> AuditView | None:
    """Read and verify the audit trail of a dossier, limited to what a party may see.

    None for anybody else.
    """
    journey = await dossiers.find_journey(dossier_id)
    if journey is None or not is_party(journey.dossier, actor):
        return None
    report = await dossiers.verify(dossier_id)
    if report is None:
        return None
    kept = _filter_visible(await dossiers.read_trail(dossier_id), journey, actor.role)
    return AuditView(kept, replace(report, entries=min(report.entries, len(kept))))


def _filter_visible(
    trail: Sequence[StoredEntry], journey: Journey, role: Role
) -> tuple[StoredEntry, ...]:
    def is_visible(kept: StoredEntry) -> bool:
        statuses = (event for event in kept.entry.events if isinstance(event, StatusSet))
        return all(_can_see(role, event.status, journey) for event in statuses)

    def is_hidden_delay(kept: StoredEntry) -> bool:
        return all(
            isinstance(event, DelayElapsed | DelayReminded)
            and not _may_know_delay(role, event.by.role, journey)
            for event in kept.entry.events
        )

    seen = list(takewhile(is_visible, trail))
    # A later entry tells that the payment had not been made: it hides no delay before it, and the
    # chain of hashes has no gap.
    while seen and is_hidden_delay(seen[-1]):
        seen.pop()
    return tuple(seen)


def _may_know_delay(role: Role, awaited: Role, journey: Journey) -> bool:
    return may_know_delay(role, awaited, payment_not_reported=journey.payment_not_reported)


def _can_see(role: Role, status: Status, journey: Journey) -> bool:
    return is_visible_to(role, status, payment_not_reported=journey.payment_not_reported)
