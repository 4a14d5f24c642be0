"""Hops of a piece to its next actor, or its hold while the directory forbids the hop."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.routing.domain.commands import Deposit
from services.routing.domain.decision import World
from services.routing.domain.dossier import Dossier, Piece
from services.routing.domain.events import Event, Forwarded, Held, StatusSet
from services.routing.domain.reminders import plan_reminder
from shared.circuit.delays import Delay, Start
from shared.circuit.hop import judge_hop
from shared.circuit.loader import load_version
from shared.circuit.mandates import find_moa_mandate
from shared.circuit.parties import Obstacle, Parties, Party
from shared.circuit.statuses import ENTRY, VALIDATED, find_arrival_status
from shared.circuit.table import Circuit, Row, find_application
from shared.vocabulary.actors import Actor
from shared.vocabulary.cadres import Cadre
from shared.vocabulary.dates import find_paris_day
from shared.vocabulary.roles import Purpose, Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

_FRESH = VALIDATED | {Status.DEPOSEE}


@dataclass(frozen=True, slots=True)
class Hop:
    """Hop of a piece: its status, its dossier, its recipient, and what may follow it."""

    deposit: Deposit
    status: Status
    dossier: Dossier
    to: Actor
    cadres: tuple[Cadre, ...]
    arrival: Status
    """Status in which the piece reaches its actor."""
    informed: tuple[Role, ...] = ()
    delay: Delay | None = None
    """Delay of the actor; None when none runs."""

    def hand_over(self, world: World) -> tuple[Event, ...]:
        """Build the events that send the piece to its recipient, or hold it where it is."""
        held = self.find_hold(world)
        return (held,) if held else tuple(self._build_handover_events(world))

    def find_hold(self, world: World) -> Held | None:
        """Build the hold of a piece that cannot be sent now; None when it can."""
        obstacle = self._find_obstacle(world)
        if obstacle is None:
            return None
        return Held(
            world.now,
            self.deposit.piece_id,
            self.to,
            self.cadres,
            reason=obstacle.violation.code,
            message=obstacle.violation.message,
            structure=obstacle.structure,
            directory=self._list_versions(world),
        )

    def _find_obstacle(self, world: World) -> Obstacle | None:
        dossier = self.dossier
        obstacle = judge_hop(
            self.to.role,
            Party(self.to.structure, self.to.service),
            dossier.parties,
            world.directory,
            today=find_paris_day(world.now),
            require_moa=world.require_moa,
        )
        refused = obstacle is None and judge_mandate_of(self.to.role, dossier, world)
        if not refused or dossier.mandant is None:
            return obstacle
        # The mandant is the one who can mend it: it gives the mandate.
        return Obstacle(dossier.mandant, refused)

    def _build_handover_events(self, world: World) -> Iterator[Event]:
        if self.arrival is not self.status:
            yield StatusSet(world.now, self.deposit.piece_id, self.status, self.arrival)
        forwarded = self._forward(self.to, Purpose.ACTION, self.cadres, world)
        due = self._compute_due(world)
        remind_at = plan_reminder(self.dossier, self.deposit.piece_id, due, world)
        yield replace(forwarded, due=due, remind_at=remind_at)
        # A party is informed of a piece once, and not again when it comes back completed.
        if self.status in _FRESH:
            for role in self.informed:
                actor = find_actor(role, self.deposit, self.dossier.parties)
                yield self._forward(actor, Purpose.INFORMATION, (), world)

    def _forward(
        self, to: Actor, purpose: Purpose, cadres: tuple[Cadre, ...], world: World
    ) -> Forwarded:
        return Forwarded(
            world.now,
            self.deposit.piece_id,
            to,
            find_application(to.role),
            purpose,
            cadres,
            self._list_versions(world),
        )

    def _compute_due(self, world: World) -> datetime | None:
        if self.delay is None:
            return None
        delay = self.delay.derogate(self.dossier.delays)
        return delay.compute_due(self._find_start(delay.start) or world.now)

    def _find_start(self, start: Start) -> datetime | None:
        """Find the past moment from which a delay runs; None when it runs from this hop."""
        match start:
            case Start.RECEPTION:
                return self.dossier.received_at
            case Start.ARRIVAL:
                piece = self.dossier.find_piece(self.deposit.piece_id)
                # A piece that is completed keeps the moment at which it arrived.
                is_back = piece is not None and self.status is Status.COMPLETEE
                return piece.stamps.get(ENTRY[self.to.role]) if piece and is_back else None
            case Start.AWAITED:
                return None

    def _list_versions(self, world: World) -> dict[str, int]:
        """List the versions of structures by which the hop is judged; unknown ones have none."""
        parties = self.dossier.parties
        read = [self.to.structure, parties.service_financier.structure]
        if parties.moa:
            read.append(parties.moa.structure)
        return {name: world.directory[name].version for name in read if name in world.directory}


def prepare_first_hop(circuit: Circuit, row: Row, deposit: Deposit, dossier: Dossier) -> Hop:
    """Prepare the hop of a piece just deposited: to its validator when its row names one."""
    status = Status.DEPOSEE
    if row.validator is None:
        return prepare_hop_to_recipient(circuit, row, deposit, status, dossier)
    return Hop(
        deposit,
        status,
        dossier,
        to=find_actor(row.validator, deposit, dossier.parties),
        cadres=(),
        arrival=Status.A_VALIDER_1,
        delay=circuit.find_delay(row.cadre, row.validator),
    )


def prepare_hop_to_recipient(
    circuit: Circuit, row: Row, deposit: Deposit, status: Status, dossier: Dossier
) -> Hop:
    """Prepare the hop of a piece to the recipient that its row names."""
    return Hop(
        deposit,
        status,
        dossier,
        to=find_actor(row.recipient, deposit, dossier.parties),
        cadres=circuit.list_followers(row, row.recipient),
        arrival=find_arrival_status(status, row.recipient),
        informed=row.informed,
        delay=circuit.find_delay(row.cadre, row.recipient),
    )


def prepare_hop_to_depositor(
    circuit: Circuit, row: Row, deposit: Deposit, status: Status, dossier: Dossier
) -> Hop:
    """Prepare the hop of a contested piece back to its depositor, who answers."""
    to = find_actor(row.depositor, deposit, dossier.parties)
    answers = circuit.list_followers(row, row.depositor, contested=True)
    delay = circuit.find_delay(row.cadre, row.depositor)
    return Hop(deposit, status, dossier, to, answers, arrival=status, delay=delay)


def hand_back(piece: Piece, world: World) -> Forwarded:
    """Return a piece to its depositor, to be completed or recycled.

    No structure is judged: the piece goes back, not on to another actor.
    """
    depositor = piece.depositor
    where = find_application(depositor.role)
    return Forwarded(world.now, piece.id, depositor, where, Purpose.ACTION, (), {})


def retry_hop(dossier: Dossier, world: World) -> tuple[Event, ...]:
    """Retry the hop of a held dossier; there is no event while the same rule holds it."""
    waiting, hold = dossier.awaited, dossier.hold
    if waiting is None or hold is None:
        return ()
    piece = dossier[waiting.piece_id]
    circuit = load_version(dossier.table_version)
    row = circuit[piece.cadre, dossier.moa_present]
    if piece.status is Status.DEPOSEE:
        hop = prepare_first_hop(circuit, row, piece.deposit, dossier)
    elif piece.status is Status.CONTESTEE:
        hop = prepare_hop_to_depositor(circuit, row, piece.deposit, piece.status, dossier)
    else:
        hop = prepare_hop_to_recipient(circuit, row, piece.deposit, piece.status, dossier)
    events = hop.hand_over(world)
    if isinstance(first := events[0], Held) and (first.reason, first.structure) == (
        hold.reason,
        hold.structure,
    ):
        return ()
    return events


def judge_mandate_of(role: Role, dossier: Dossier, world: World) -> Violation | None:
    """Check the mandate by which a role acts in a dossier today; None when it needs none."""
    if role is not Role.MOA:
        return None
    found = find_moa_mandate(
        dossier.parties,
        dossier.mandant,
        dossier.marche,
        world.mandates,
        find_paris_day(world.now),
    )
    return found if isinstance(found, Violation) else None


def find_actor(role: Role, deposit: Deposit, parties: Parties) -> Actor:
    """Find the actor of a role: the structure of the dossier, and the service named last."""
    party = parties[role]
    latest = deposit.parties.of(role)
    return Actor(role, party.structure, (latest and latest.service) or party.service)
