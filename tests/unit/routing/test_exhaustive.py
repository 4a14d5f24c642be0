"""Every act, by every role, on every piece in every status, under every MOA parameter.

The expectations are written out here by hand, beside the table that the decider reads: a row that
changes in one place only is seen.
"""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from services.routing.domain.commands import Actor, Complete, Deposit, Treat
from services.routing.domain.decide import Decision, decide
from services.routing.domain.dossier import Dossier, Hold, Piece, State, Waiting
from services.routing.domain.events import Held, PieceReceived, StatusSet
from shared.circuit.loader import current
from shared.circuit.parties import Parties, Party, Structure
from shared.circuit.statuses import TREATMENTS, Act
from shared.vocabulary.roles import MoaParameter, Role
from shared.vocabulary.statuses import Status
from tests.unit.routing.builders import (
    NAMES,
    NOW,
    a_completion,
    a_deposit,
    a_directory,
    a_structure,
    a_treatment,
    fold,
)

CADRES = ("A4", "A15", "A19", "A7", "A17", "A20", "A8")
RECIPIENTS = {
    "A4": Role.MOE,
    "A15": Role.MOA,
    "A19": Role.SERVICE_FINANCIER,
    "A7": Role.MOE,
    "A17": Role.MOA,
    "A20": Role.TITULAIRE,
    "A8": Role.SERVICE_FINANCIER,
}
NEXT = {"A4": "A15", "A15": "A19", "A7": "A17", "A17": "A20", "A20": "A8"}

FINANCIAL = (
    Status.MISE_A_DISPOSITION,
    Status.COMPLETEE,
    Status.SERVICE_FAIT,
    Status.MANDATEE,
    Status.MISE_A_DISPOSITION_COMPTABLE,
    Status.COMPTABILISEE,
    Status.MISE_EN_PAIEMENT,
)
FINANCIAL_ACTS = {
    Act.SERVICE_FAIT: Status.SERVICE_FAIT,
    Act.MANDATER: Status.MANDATEE,
    Act.METTRE_A_DISPOSITION_COMPTABLE: Status.MISE_A_DISPOSITION_COMPTABLE,
    Act.COMPTABILISER: Status.COMPTABILISEE,
    Act.METTRE_EN_PAIEMENT: Status.MISE_EN_PAIEMENT,
}
SUFFIX = {Role.MOE: "MOE", Role.MOA: "MOA", Role.TITULAIRE: "FOURNISSEUR"}
ENDS = {
    Status.ASSOCIEE,
    Status.REJETEE,
    Status.REFUSEE_MOE,
    Status.REFUSEE_MOA,
    Status.REFUSEE_FOURNISSEUR,
    Status.MISE_EN_PAIEMENT,
}


@dataclass(frozen=True)
class World:
    """One column of cases: who is MOA, the parameters, and whether a hop may be made."""

    parties: Parties
    directory: dict[str, Structure]
    is_possible: bool


def _worlds() -> Iterator[World]:
    parameters = tuple(MoaParameter)
    for moa, payeur in itertools.product(parameters, parameters):
        parties = Parties(Party("titulaire"), Party("payeur"), Party("moe"), Party("moa"))
        directory = a_directory(a_structure("moa", moa), a_structure("payeur", payeur))
        refused = moa is MoaParameter.SANS or payeur is MoaParameter.EXCLUSIVEMENT
        yield World(parties, directory, not refused)
    for both in parameters:
        parties = Parties(Party("titulaire"), Party("moa"), Party("moe"), Party("moa"))
        directory = a_directory(a_structure("moa", both))
        yield World(parties, directory, both is MoaParameter.AVEC)


def _statuses(cadre: str) -> set[Status]:
    """Where a piece of this cadre can be at all."""
    recipient = RECIPIENTS[cadre]
    common = {Status.DEPOSEE, Status.SUSPENDUE, Status.COMPLETEE, Status.REJETEE}
    if recipient is Role.SERVICE_FINANCIER:
        return common | set(FINANCIAL)
    works = {"A_ASSOCIER_", "REFUSEE_"} | ({"PRISE_EN_COMPTE_"} - _no_take_up(recipient))
    contested = {Status.CONTESTEE} if cadre == "A20" else set()
    named = {Status(prefix + SUFFIX[recipient]) for prefix in works}
    return common | named | contested | {Status.ASSOCIEE}


def _no_take_up(recipient: Role) -> set[str]:
    return {"PRISE_EN_COMPTE_"} if recipient is Role.TITULAIRE else set()


def _awaited(cadre: str, status: Status) -> Role | None:
    if status in ENDS:
        return None
    if status in {Status.SUSPENDUE, Status.CONTESTEE}:
        return current()[cadre, True].depositor
    return RECIPIENTS[cadre]


def _is_held(cadre: str, status: Status) -> bool:
    """A piece rests in these statuses only because its hop was not possible."""
    to_payer = RECIPIENTS[cadre] is Role.SERVICE_FINANCIER
    return status is Status.DEPOSEE or (status is Status.COMPLETEE and not to_payer)


def _a_dossier(cadre: str, status: Status, parties: Parties) -> Dossier:
    row = current()[cadre, True]
    deposit = a_deposit(cadre, parties=parties, depositor=_actor(row.depositor, parties))
    awaited = _awaited(cadre, status)
    waiting = Waiting(_actor(awaited, parties), cadre, (), NOW) if awaited else None
    return Dossier(
        "dossier",
        "2026-1",
        row.phase,
        parties,
        (Piece(deposit, status, {}, ()),),
        waiting,
        Hold("CIR-MOA-01", "", "moa") if _is_held(cadre, status) else None,
        State.OUVERT if awaited else State.CLOS,
    )


def _actor(role: Role, parties: Parties) -> Actor:
    party = parties.of(role)
    return Actor(role, party.structure if party else NAMES[role])


def _target(cadre: str, status: Status, role: Role, act: Act) -> Status | None:
    """What the act makes of the piece, or None: the matrix, by hand."""
    if role is not _awaited(cadre, status) or _is_held(cadre, status):
        return None
    if act is Act.COMPLETER:
        return Status.COMPLETEE if status is Status.SUSPENDUE else None
    if status in {Status.SUSPENDUE, Status.CONTESTEE}:
        return None
    if role is Role.SERVICE_FINANCIER:
        return _financial_target(status, act)
    targets = {
        Act.REFUSER: Status(f"REFUSEE_{SUFFIX[role]}"),
        Act.SUSPENDRE: Status.SUSPENDUE,
    }
    if status.startswith("A_ASSOCIER") and role is not Role.TITULAIRE:
        targets[Act.PRENDRE_EN_COMPTE] = Status(f"PRISE_EN_COMPTE_{SUFFIX[role]}")
    if cadre == "A20":
        targets[Act.CONTESTER] = Status.CONTESTEE
    return targets.get(act)


def _financial_target(status: Status, act: Act) -> Status | None:
    is_fresh = status in {Status.MISE_A_DISPOSITION, Status.COMPLETEE}
    if act in {Act.SUSPENDRE, Act.REJETER}:
        target = Status.SUSPENDUE if act is Act.SUSPENDRE else Status.REJETEE
        return target if is_fresh else None
    later = FINANCIAL_ACTS.get(act)
    if later is None or (not is_fresh and FINANCIAL.index(later) <= FINANCIAL.index(status)):
        return None
    return later


def _command(cadre: str, act: Act, actor: Actor) -> Treat | Complete:
    if act is Act.COMPLETER:
        return replace(a_completion(cadre, actor.role), actor=actor)
    return replace(a_treatment(cadre, act, actor.role), actor=actor)


def _check_act(dossier: Dossier, decision: Decision, target: Status | None, world: World) -> None:
    if target is None:
        assert decision.events == ()
        assert decision.violations
        return
    assert decision.violations == ()
    changes = [event for event in decision.events if isinstance(event, StatusSet)]
    assert changes[0].status is target
    has_hop = target in {Status.COMPLETEE, Status.CONTESTEE}
    is_held = any(isinstance(event, Held) for event in decision.events)
    assert is_held is (has_hop and not world.is_possible)
    _check_rest(fold(dossier, decision.events), ends=target in ENDS)


def _check_rest(dossier: Dossier | None, *, ends: bool) -> None:
    assert dossier is not None
    assert (dossier.awaited is None) is ends
    assert (dossier.state is State.CLOS) is ends


def test_every_act_by_every_role_in_every_state_under_every_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = 0
    for world, cadre in itertools.product(_worlds(), CADRES):
        for status in _statuses(cadre):
            dossier = _a_dossier(cadre, status, world.parties)
            for act, role in itertools.product(TREATMENTS | {Act.COMPLETER}, Role):
                command = _command(cadre, act, _actor(role, world.parties))
                decision = decide(dossier, command, world.directory, NOW)
                _check_act(dossier, decision, _target(cadre, status, role, act), world)
                walked += 1
    with capsys.disabled():
        sys.stdout.write(f"\n{walked} cases of (cadre x status x act x role x MOA parameters)\n")
    assert walked == 12 * 60 * 11 * 6


def _followers(cadre: str, status: Status, role: Role) -> set[str]:
    """What the role may deposit after the piece, by hand."""
    if role is not _awaited(cadre, status) or _is_held(cadre, status):
        return set()
    if status is Status.CONTESTEE:
        return {"A20"}
    if status is Status.SUSPENDUE or cadre not in NEXT:
        return set()
    return {NEXT[cadre]}


def _check_deposit(
    dossier: Dossier, decision: Decision, deposit: Deposit, world: World, *, wins: bool
) -> None:
    assert isinstance(decision.events[0], PieceReceived)
    folded = fold(dossier, decision.events)
    assert folded is not None
    piece = folded[deposit.piece_id]
    if not wins:
        assert piece.status is Status.REJETEE
        assert decision.violations
        assert (folded.awaited, folded.state) == (dossier.awaited, dossier.state)
        return
    assert decision.violations == ()
    assert folded.pieces[0].status is Status.ASSOCIEE
    assert (folded.hold is None) is world.is_possible
    assert (piece.status is Status.DEPOSEE) is not world.is_possible
    assert folded.awaited is not None
    assert folded.awaited.actor.role is RECIPIENTS[deposit.cadre]
    _check_rest(folded, ends=False)


def test_every_next_piece_by_every_role_in_every_state_under_every_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = 0
    for world, cadre in itertools.product(_worlds(), CADRES):
        for status in _statuses(cadre):
            dossier = _a_dossier(cadre, status, world.parties)
            for later, role in itertools.product(CADRES, Role):
                deposit = a_deposit(
                    later,
                    cadre,
                    piece_id="next",
                    parties=world.parties,
                    depositor=_actor(role, world.parties),
                )
                decision = decide(dossier, deposit, world.directory, NOW)
                wins = later in _followers(cadre, status, role)
                _check_deposit(dossier, decision, deposit, world, wins=wins)
                walked += 1
    with capsys.disabled():
        sys.stdout.write(f"\n{walked} cases of (cadre x status x next cadre x role x parameters)\n")
    assert walked == 12 * 60 * 7 * 6


def _worlds_without_moa() -> Iterator[World]:
    for payeur in MoaParameter:
        parties = Parties(Party("titulaire"), Party("payeur"), Party("moe"))
        yield World(parties, a_directory(a_structure("payeur", payeur)), is_possible=False)


def test_every_opener_by_every_role_under_every_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = 0
    worlds = (*_worlds(), *_worlds_without_moa())
    for world, cadre, role in itertools.product(worlds, CADRES, Role):
        depositor = _actor(role, world.parties)
        deposit = a_deposit(cadre, parties=world.parties, depositor=depositor)
        decision = decide(None, deposit, world.directory, NOW)
        dossier = fold(None, decision.events)
        assert dossier is not None
        opens = cadre in {"A4", "A7"} and role is Role.TITULAIRE and world.parties.moa is not None
        assert (dossier.state is State.OUVERT) is opens
        assert (decision.violations == ()) is opens
        if opens:
            assert (dossier.hold is None) is world.is_possible
        walked += 1
    with capsys.disabled():
        sys.stdout.write(f"\n{walked} cases of (opener x role x MOA parameters)\n")
    assert walked == (12 + 3) * 7 * 6
