"""Use cases that change dossiers: deposits, treatments, changes of structures, delays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.routing.application.commands import read_command
from services.routing.application.journey import Cause, Journey, is_party
from services.routing.application.messages import build_messages, build_state_message
from services.routing.application.ports import DossierChange
from services.routing.application.views import read_events, view_as
from services.routing.domain import rules
from services.routing.domain.commands import ApplyDelay, Command, Rejudge, Remind, Treat
from services.routing.domain.decide import Decision, decide
from services.routing.domain.decision import REMIND_DAYS, MessageError
from services.routing.domain.events import AdditionRefused, Held
from services.routing.domain.events import Event as Happening
from shared.application.idempotency import Key
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Directory, Parties
from shared.contracts.deposit_v1 import PieceDeposited
from shared.contracts.envelope import Event
from shared.vocabulary.rules import Violation
from shared.vocabulary.texts import normalise_nfc


class DirectoryBehindError(Exception):
    """Pieces were judged by versions of structures or mandates that routing does not have yet."""

    def __init__(self, dossiers: set[str]) -> None:
        """Keep the ids of the dossiers that must wait."""
        super().__init__("a version of a structure or a mandate is still to come")
        self.dossiers = dossiers


@dataclass(frozen=True, slots=True)
class TreatmentResult:
    """Result of a treatment: the journey as its caller sees it, and the rules that it breaks."""

    journey: Journey
    violations: tuple[Violation, ...] = ()
    is_replay: bool = False
    """Whether an earlier request with the same idempotency key was the treatment."""


@dataclass(frozen=True, slots=True)
class Router:
    """Use cases of routing, within one transaction and at one moment."""

    change: DossierChange
    now: datetime
    require_moa: bool
    remind_days: int = REMIND_DAYS

    async def take_pieces(self, events: Sequence[Event[Any]]) -> None:
        """Process deposits and additions: read once, decide in memory, write once.

        Raises DirectoryBehindError until routing has the versions that deposit judged by, and
        MessageError for an event that is to become a dead letter.
        """
        journeys = await self.change.find_journeys({event.data.dossier_id for event in events})
        directory = await self.change.find_directory(_list_structures_needed(events, journeys))
        mandates = await self.change.find_mandates(_list_mandants(events, journeys))
        behind = {
            event.data.dossier_id for event in events if _is_behind(event, directory, mandates)
        }
        if behind:
            raise DirectoryBehindError(behind)
        owners = await self.change.find_owners(
            {event.data.piece_id for event in events if isinstance(event.data, PieceDeposited)}
        )
        for event in events:
            if isinstance(event.data, PieceDeposited):
                _judge_owner(event.data, owners)
            self._take_piece(event, journeys, directory, mandates)
        await self._keep(journeys.values())

    async def rejudge(self, causes: Mapping[str, str | None]) -> None:
        """Judge held dossiers again, each with the id of the message that caused it, if any."""
        await self._apply_to_each(causes, Rejudge())

    async def apply_delays(self, dossiers: Iterable[str]) -> None:
        """Apply to dossiers the effects of their delays, where they have passed."""
        await self._apply_to_each(dict.fromkeys(dossiers), ApplyDelay())

    async def remind(self, dossiers: Iterable[str]) -> None:
        """Remind the awaited actors of dossiers of their delays, where their moment has come."""
        await self._apply_to_each(dict.fromkeys(dossiers), Remind())

    async def treat(
        self, treat: Treat, key: Key | None = None, user: str | None = None
    ) -> TreatmentResult | None:
        """Carry out an act, once per idempotency key; `user` is the principal who acts.

        None when the actor is no party of the dossier of the piece.
        """
        correction = treat.correction
        corrected = (
            {each.structure for each in correction.parties.values()} if correction else set()
        )
        journey = await self.change.find_journey_of_piece(treat.piece_id)
        if journey is None or not is_party(journey.dossier, treat.actor):
            return None
        # What the dossier keeps of its actors is the structure in its role.
        treat = replace(treat, actor=treat.actor.whole)
        structures = _list_structures(journey.dossier.parties) | corrected
        directory = await self.change.find_directory({journey.dossier.id: structures})
        mandates = await self.change.find_mandates(
            _list_mandants((), {journey.dossier.id: journey})
        )
        seen = await view_as(self.change, journey, treat.actor.role)
        if key and (used := await self.change.find_key_use(key)):
            if used.is_of(key):
                return TreatmentResult(seen, is_replay=True)
            reused = rules.KEY_REUSED.build_violation("Idempotency-Key")
            return TreatmentResult(seen, (reused,))
        # The act is judged on its author's own view: a refusal must not reveal a hidden payment.
        # An actor with an incomplete view is never awaited, so its act is always refused.
        decision = self._decide(seen, treat, directory, mandates)
        if decision.violations:
            return TreatmentResult(seen, decision.violations)
        self._advance(journey, decision.events, Cause(journey.correlation_id, user=user), directory)
        await self._keep([journey])
        await self.change.record_key_use(key, treat.piece_id)
        return TreatmentResult(journey)

    async def republish(self, dossier_id: str) -> int | None:
        """Publish the state of a dossier again, as it is; returns its version.

        None when there is no such dossier. Readers that have this version ignore it.
        """
        journey = (await self.change.find_journeys([dossier_id])).get(dossier_id)
        if journey is None:
            return None
        cause = Cause(journey.correlation_id)
        self.change.publish(build_state_message(journey, cause, self.now, self.change.level))
        await self.change.keep_ranks(journey)
        return journey.dossier.version

    async def _apply_to_each(
        self, causes: Mapping[str, str | None], command: Rejudge | ApplyDelay | Remind
    ) -> None:
        """Apply a command to dossiers, each with the id of the message that caused it."""
        journeys = await self.change.find_journeys(causes.keys())
        directory = await self.change.find_directory(_list_structures_needed((), journeys))
        mandates = await self.change.find_mandates(_list_mandants((), journeys))
        for dossier_id, journey in journeys.items():
            decision = self._decide(journey, command, directory, mandates)
            cause = Cause(journey.correlation_id, causes[dossier_id])
            # A piece that was held is forwarded because of an act that an earlier entry tells.
            is_let_go = bool(decision.events and journey.dossier.hold)
            past = await read_events(self.change, dossier_id) if is_let_go else ()
            self._advance(journey, decision.events, cause, directory, past)
        await self._keep(journeys.values())

    def _take_piece(
        self,
        event: Event[Any],
        journeys: dict[str, Journey],
        directory: Directory,
        mandates: Sequence[Mandate],
    ) -> None:
        payload = event.data
        cause = Cause(event.correlationid, event.id, payload.user)
        journey = journeys.get(payload.dossier_id)
        decision = self._decide(journey, read_command(payload), directory, mandates)
        if journey is None:
            journey = Journey.open(decision.events, cause)
            journeys[payload.dossier_id] = journey
            journey.enclose(payload)
            self._publish(journey, decision.events, cause, directory)
        else:
            if not isinstance(decision.events[0], AdditionRefused):
                journey.enclose(payload)
            self._advance(journey, decision.events, cause, directory)

    def _decide(
        self,
        journey: Journey | None,
        command: Command,
        directory: Directory,
        mandates: Sequence[Mandate],
    ) -> Decision:
        dossier = journey.dossier if journey else None
        return decide(
            dossier,
            command,
            directory,
            self.now,
            require_moa=self.require_moa,
            level=self.change.level,
            mandates=mandates,
            remind_days=self.remind_days,
        )

    def _advance(
        self,
        journey: Journey,
        events: tuple[Happening, ...],
        cause: Cause,
        directory: Directory,
        past: Sequence[Happening] = (),
    ) -> None:
        if events:
            journey.advance(events, cause)
            self._publish(journey, events, cause, directory, past)

    def _publish(
        self,
        journey: Journey,
        events: tuple[Happening, ...],
        cause: Cause,
        directory: Directory,
        past: Sequence[Happening] = (),
    ) -> None:
        payer = directory.get(journey.dossier.parties.service_financier.structure)
        if payer:
            journey.payment_not_reported = payer.mise_en_paiement_non_remontee
        for message in build_messages(journey, events, cause, self.change.level, past):
            self.change.publish(message)
        for event in events:
            if isinstance(event, AdditionRefused):
                self.change.log("addition.refused", dossier_id=journey.dossier.id, rule=event.rule)
            elif isinstance(event, Held):
                self.change.log(
                    "dossier.held",
                    dossier_id=journey.dossier.id,
                    rule=event.reason,
                    structure=event.structure,
                )

    async def _keep(self, journeys: Iterable[Journey]) -> None:
        """Write the journeys that changed, each with one message of its latest state."""
        moved = [journey for journey in journeys if journey.entries]
        for journey in moved:
            cause = Cause(journey.correlation_id, journey.entries[-1].cause)
            self.change.seal(journey)
            self.change.publish(build_state_message(journey, cause, self.now, self.change.level))
        await self.change.keep(moved)


def _is_behind(event: Event[Any], directory: Directory, mandates: Sequence[Mandate]) -> bool:
    if not isinstance(event.data, PieceDeposited):
        return False
    judged_by = event.data.mandate
    if judged_by and not any(
        each.id == judged_by.id and each.version >= judged_by.version for each in mandates
    ):
        return True
    return any(
        name not in directory or directory[name].version < needed
        for name, needed in event.data.directory.items()
    )


def _judge_owner(payload: PieceDeposited, owners: dict[str, str]) -> None:
    """Raise MessageError when another dossier has the piece: its parties could then treat it."""
    owner = owners.setdefault(payload.piece_id, payload.dossier_id)
    if owner != payload.dossier_id:
        raise MessageError(f"piece {payload.piece_id} is in dossier {owner} already")


def _list_structures_needed(
    events: Iterable[Event[Any]], journeys: Mapping[str, Journey]
) -> dict[str, set[str]]:
    """List the structures that each dossier needs, by dossier id."""
    needed = {each: _list_structures(journey.dossier.parties) for each, journey in journeys.items()}
    for event in events:
        if isinstance(event.data, PieceDeposited):
            names = needed.setdefault(event.data.dossier_id, set())
            names |= _list_structures(event.data.parties.to_domain())
            names.update(event.data.directory)
    return needed


def _list_mandants(
    events: Iterable[Event[Any]], journeys: Mapping[str, Journey]
) -> dict[str, set[str]]:
    """List the mandants of each dossier that is under a mandate, by dossier id."""
    needed: dict[str, set[str]] = {
        each: {journey.dossier.mandant}
        for each, journey in journeys.items()
        if journey.dossier.mandant
    }
    for event in events:
        if isinstance(event.data, PieceDeposited) and event.data.mandant:
            mandant = normalise_nfc(event.data.mandant)
            needed.setdefault(event.data.dossier_id, set()).add(mandant)
    return needed


def _list_structures(parties: Parties) -> set[str]:
    return {party.structure for _, party in parties.list_named()}
