"""Random sequences of commands, right and wrong: no dossier is ever stranded or forgotten."""

import os
import random
import sys
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.routing.domain.commands import (
    ApplyDelay,
    Command,
    Complete,
    Correction,
    Deposit,
    Rejudge,
    Remind,
    Treat,
)
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier, State, Turn, evolve, replay
from services.routing.domain.events import Event, Forwarded
from shared.circuit.loader import load_current, load_version
from shared.circuit.parties import Party, Structure
from shared.circuit.reception import find_receivers
from shared.circuit.statuses import TREATMENTS, Act, list_acts
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import FINAL, Status
from shared.vocabulary.structures import MoaParameter, StructureStatus
from tests.unit.routing.builders import (
    DIRECTORY,
    NOW,
    PARTIES,
    SANS_MOA,
    a_deposit,
    a_directory,
    a_structure,
    an_actor,
)

SEQUENCES = 10_000 if os.getenv("CI") else 1_000
_PER_EXAMPLE = 100
_LENGTH = 25
_OPENERS = [row for row in load_current().rows if row.is_opener]
_CADRES = sorted({row.cadre for row in load_current().rows})
_MOTIVES = ("MAUVAISE_MOE", "AUTRE", "ERREUR_DE_MONTANT", None)
_CORRECTIONS = (
    None,
    Correction(engagement="EJ-2"),
    Correction({Role.MOE: Party("moe", "TRVX")}),
    Correction({Role.MOA: Party("moa", "TRVX")}),
    Correction({Role.MOA: Party("payeur")}, "EJ-3"),
    Correction({Role.SERVICE_FINANCIER: Party("payeur", "TRVX")}),
    Correction({Role.TITULAIRE: Party("moe")}),
)
_DIRECTORIES = (
    *[a_directory()] * 3,
    a_directory(a_structure("moa", MoaParameter.SANS)),
    a_directory(a_structure("payeur", MoaParameter.EXCLUSIVEMENT)),
    a_directory(a_structure("moe", status=StructureStatus.INACTIF)),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A piece as the state of its dossier tells it."""

    piece_id: str
    cadre: str
    status: Status
    follows: str | None


class Walk:
    """One sequence: a dossier, the trail it leaves, and a generator of what comes next."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.now = NOW
        self.parties = PARTIES
        self.dossier: Dossier | None = None
        self.trail: list[Event] = []

    def run(self) -> None:
        """Send commands, and check the promises after each."""
        row = self.random.choice(_OPENERS)
        self.parties = PARTIES if row.moa_present else SANS_MOA
        self._take(a_deposit(row.cadre, piece_id="0", parties=self.parties))
        for step in range(1, _LENGTH):
            assert self.dossier is not None
            command = self._command(self.dossier, str(step))
            if isinstance(command, ApplyDelay):
                # The timer of reminders runs beside that of delays; it reads no structure.
                self._take(Remind(), DIRECTORY)
            self._take(command)
        assert replay(self.trail) == self.dossier

    def _take(self, command: Command, directory: dict[str, Structure] | None = None) -> None:
        before = self.dossier
        known = directory or self.random.choice(_DIRECTORIES)
        decision = decide(before, command, known, self.now)
        for event in decision.events:
            self.dossier = evolve(self.dossier, event)
        self.trail += decision.events
        assert self.dossier is not None
        self._check(self.dossier)
        if before and before.state is State.CLOS:
            assert self.dossier.state is State.CLOS

    def _check(self, dossier: Dossier) -> None:
        assert dossier.version == len(self.trail)
        self._check_receptions(dossier)
        live = [piece for piece in dossier.pieces if piece.status not in FINAL]
        if dossier.state is State.CLOS:
            assert (dossier.awaited, live) == (None, [])
            return
        assert dossier.awaited is not None
        assert [piece.id for piece in live] == [dossier.awaited.piece_id]
        piece, role = live[0], dossier.awaited.actor.role
        assert dossier.hold or list_acts(role, piece.status), "the one awaited can do something"
        assert not (dossier.hold and dossier.awaited.due), "no delay runs while a piece is held"
        for turn in dossier.awaited.others:
            assert turn.cadres, "whoever may act in place of another has a piece to deposit"

    def _check_receptions(self, dossier: Dossier) -> None:
        """Check that a piece has been received by those alone to whom it was forwarded."""
        circuit = load_version(dossier.table_version)
        steps = [Step(each.id, each.cadre, each.status, each.follows) for each in dossier.pieces]
        for step in steps:
            received = find_receivers(circuit, steps, step, moa=dossier.moa_present)
            sent = self._list_sent(step.piece_id) - {dossier[step.piece_id].depositor.role}
            if step.status is Status.EN_COURS_ACHEMINEMENT:
                assert received <= sent, "a recycled piece has to reach its recipient again"
            elif step.status is not Status.REJETEE or not self._is_ambiguous(steps, step):
                assert received == sent, step

    def _list_sent(self, piece_id: str) -> set[Role]:
        """List the roles to whom a piece was forwarded, whatever their structure since then."""
        return {
            event.to.role
            for event in self.trail
            if isinstance(event, Forwarded) and event.piece_id == piece_id
        }

    def _is_ambiguous(self, steps: list[Step], step: Step) -> bool:
        """Tell whether nothing shows which of several rejected pieces had been sent."""
        rivals = [each for each in steps if each.follows == step.follows]
        return len(rivals) > 1 and all(each.status is Status.REJETEE for each in rivals)

    def _command(self, dossier: Dossier, new_id: str) -> Command:
        kind = self.random.random()
        if kind < 0.05:
            return Rejudge()
        if kind < 0.15:
            self.now += timedelta(days=self.random.choice((1, 8, 16, 31)))
            return ApplyDelay()
        if kind < 0.45:
            return self._deposit(dossier, new_id)
        if kind < 0.6:
            piece_id = self._piece_id(dossier)
            return Complete(piece_id, self._actor(dossier), (), None, NOW)
        return self._treat(dossier)

    def _deposit(self, dossier: Dossier, new_id: str) -> Deposit:
        turn = self._turn(dossier)
        cadres = turn.cadres if turn and self.random.random() < 0.9 else ()
        cadre = self.random.choice(cadres or _CADRES)
        follows = self._piece_id(dossier)
        actor = turn.actor if turn and self.random.random() < 0.9 else self._actor(dossier)
        return a_deposit(cadre, follows, piece_id=new_id, parties=dossier.parties, depositor=actor)

    def _turn(self, dossier: Dossier) -> Turn | None:
        return self.random.choice(dossier.awaited.turns) if dossier.awaited else None

    def _treat(self, dossier: Dossier) -> Treat:
        actor, piece_id = self._actor(dossier), self._piece_id(dossier)
        possible = set(list_acts(actor.role, dossier[piece_id].status)) & TREATMENTS
        usual = possible if self.random.random() < 0.8 and possible else TREATMENTS
        act = self.random.choice(sorted(usual))
        comment = self.random.choice(("Voir ci-joint.", None))
        correction = self.random.choice(_CORRECTIONS) if act is Act.RECYCLER else None
        motive = self.random.choice(_MOTIVES)
        return Treat(piece_id, act, actor, motive, comment, correction)

    def _actor(self, dossier: Dossier) -> Actor:
        if dossier.awaited and self.random.random() < 0.85:
            return dossier.awaited.actor
        return an_actor(self.random.choice(list(Role)))

    def _piece_id(self, dossier: Dossier) -> str:
        if dossier.awaited and self.random.random() < 0.85:
            return dossier.awaited.piece_id
        return self.random.choice(dossier.pieces).id


def test_somebody_is_always_awaited_or_the_dossier_is_over_and_replay_agrees(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: set[str] = set()
    reached: set[Status] = set()
    closed = 0

    @settings(
        max_examples=SEQUENCES // _PER_EXAMPLE,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**63))
    def walk(seed: int) -> None:
        nonlocal closed
        for offset in range(_PER_EXAMPLE):
            name = f"{seed}-{offset}"
            sequence = Walk(name)
            sequence.run()
            seen.add(name)
            assert sequence.dossier is not None
            closed += sequence.dossier.state is State.CLOS
            reached.update(piece.status for piece in sequence.dossier.pieces)

    walk()

    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(seen)} sequences of {_LENGTH} commands, {closed} dossiers closed,"
            f" {len(reached)} final resting statuses\n"
        )
    assert len(seen) >= SEQUENCES
    assert 0 < closed < len(seen)
    wanted = {
        Status.MISE_EN_PAIEMENT,
        Status.CONTESTEE,
        Status.REFUSEE_MOA,
        Status.REFUSEE_1,
        Status.A_RECYCLER,
        Status.EN_ATTENTE_RECYCLAGE_FOURNISSEUR,
        Status.REMPLACEE_PAR_A22,
    }
    assert wanted <= reached
