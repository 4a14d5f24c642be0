"""Random sequences of commands, right and wrong: no dossier is ever stranded or forgotten."""

import os
import random
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.routing.domain.commands import Actor, Command, Complete, Deposit, Rejudge, Treat
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier, State, evolve, replay
from services.routing.domain.events import Event
from shared.circuit.parties import Structure
from shared.circuit.statuses import TREATMENTS, acts
from shared.vocabulary.roles import MoaParameter, Role, StructureStatus
from shared.vocabulary.statuses import FINAL, Status
from tests.unit.routing.builders import (
    NOW,
    a_deposit,
    a_directory,
    a_structure,
    a_treatment,
    an_actor,
)

SEQUENCES = 10_000 if os.getenv("CI") else 1_000
_PER_EXAMPLE = 100
_LENGTH = 20
_CADRES = ("A4", "A7", "A15", "A17", "A19", "A20", "A8")
_MOTIVES = ("MAUVAISE_MOE", "AUTRE", "ERREUR_DE_MONTANT", None)
_DIRECTORIES = (
    *[a_directory()] * 3,
    a_directory(a_structure("moa", MoaParameter.SANS)),
    a_directory(a_structure("payeur", MoaParameter.EXCLUSIVEMENT)),
    a_directory(a_structure("moe", status=StructureStatus.INACTIF)),
)


class Walk:
    """One sequence: a dossier, the trail it leaves, and a generator of what comes next."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.dossier: Dossier | None = None
        self.trail: list[Event] = []

    def run(self) -> None:
        """Send commands, and check the promises after each."""
        self._take(a_deposit(self.random.choice(("A4", "A7")), piece_id="0"))
        for step in range(1, _LENGTH):
            assert self.dossier is not None
            self._take(self._command(self.dossier, str(step)))
        assert replay(self.trail) == self.dossier

    def _take(self, command: Command) -> None:
        before = self.dossier
        directory: dict[str, Structure] = self.random.choice(_DIRECTORIES)
        decision = decide(before, command, directory, NOW)
        for event in decision.events:
            self.dossier = evolve(self.dossier, event)
        self.trail += decision.events
        assert self.dossier is not None
        self._check(self.dossier)
        if before and before.state is State.CLOS:
            assert self.dossier.state is State.CLOS

    def _check(self, dossier: Dossier) -> None:
        assert dossier.version == len(self.trail)
        live = [piece for piece in dossier.pieces if piece.status not in FINAL]
        if dossier.state is State.CLOS:
            assert (dossier.awaited, live) == (None, [])
            return
        assert dossier.awaited is not None
        assert [piece.id for piece in live] == [dossier.awaited.piece_id]
        piece, role = live[0], dossier.awaited.actor.role
        assert dossier.hold or acts(role, piece.status), "the one awaited can do something"

    def _command(self, dossier: Dossier, new_id: str) -> Command:
        kind = self.random.random()
        if kind < 0.1:
            return Rejudge()
        if kind < 0.45:
            return self._deposit(dossier, new_id)
        if kind < 0.6:
            piece_id = self._piece_id(dossier)
            return Complete(piece_id, self._actor(dossier), (), None, NOW)
        return self._treat(dossier)

    def _deposit(self, dossier: Dossier, new_id: str) -> Deposit:
        follows = self._piece_id(dossier)
        awaited = dossier.awaited
        cadres = awaited.cadres if awaited and self.random.random() < 0.9 else ()
        cadre = self.random.choice(cadres or _CADRES)
        deposit = a_deposit(cadre, follows, piece_id=new_id)
        return replace(deposit, depositor=self._actor(dossier))

    def _treat(self, dossier: Dossier) -> Treat:
        actor, piece_id = self._actor(dossier), self._piece_id(dossier)
        possible = set(acts(actor.role, dossier[piece_id].status)) & TREATMENTS
        usual = possible if self.random.random() < 0.8 and possible else TREATMENTS
        act = self.random.choice(sorted(usual))
        treat = replace(a_treatment(piece_id, act, actor.role), actor=actor)
        comment = self.random.choice(("Voir ci-joint.", None))
        return replace(treat, motive=self.random.choice(_MOTIVES), comment=comment)

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
    assert {Status.MISE_EN_PAIEMENT, Status.CONTESTEE, Status.REFUSEE_MOA} <= reached
