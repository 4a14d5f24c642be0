"""Every act, every deposit and every delay, on every row in every status, under every parameter.

The expectations are written out here by hand, beside the table that the decider reads: a row that
changes in one place only is seen, and so is one that is added without an expectation.
"""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cache

import pytest

from services.routing.domain.commands import ApplyDelay, Complete, Correction, Deposit, Treat
from services.routing.domain.decide import Decision, MessageError, decide
from services.routing.domain.dossier import Dossier, Hold, Piece, State, Turn, Waiting
from services.routing.domain.events import (
    AdditionRefused,
    DelayElapsed,
    Held,
    Offered,
    PieceReceived,
    StatusSet,
)
from shared.circuit.loader import CURRENT, load_current
from shared.circuit.parties import Parties, Party, Structure
from shared.circuit.statuses import TREATMENTS, Act
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter
from tests.unit.routing.builders import (
    NAMES,
    NOW,
    PARTIES,
    SANS_MOA,
    a_completion,
    a_deposit,
    a_directory,
    a_structure,
    a_treatment,
    fold,
)

TITULAIRE, COTRAITANT, SOUS_TRAITANT, MOE, MOA, PAYEUR = Role
AVEC, SANS = True, False


@dataclass(frozen=True)
class Expected:
    """What must become of a piece."""

    depositor: Role
    recipient: Role
    next: str = ""
    validator: Role | None = None
    contested: str = ""
    is_opener: bool = True
    is_replaceable: bool = False
    is_tacit: bool = False


ROWS = {
    ("A4", AVEC): Expected(TITULAIRE, MOE, "A15"),
    ("A5", AVEC): Expected(TITULAIRE, MOA, "A19"),
    ("A10", AVEC): Expected(SOUS_TRAITANT, MOE, "A15", TITULAIRE),
    ("A13", AVEC): Expected(COTRAITANT, MOE, "A15", TITULAIRE),
    ("A15", AVEC): Expected(MOE, MOA, "A19"),
    ("A19", AVEC): Expected(MOA, PAYEUR),
    ("A7", AVEC): Expected(TITULAIRE, MOE, "A17", is_replaceable=True),
    ("A14", AVEC): Expected(COTRAITANT, MOE, "A17", TITULAIRE, is_replaceable=True),
    ("A17", AVEC): Expected(MOE, MOA, "A20", is_replaceable=True),
    ("A20", AVEC): Expected(MOA, TITULAIRE, "A8", contested="A20"),
    ("A8", AVEC): Expected(TITULAIRE, PAYEUR, is_opener=False),
    ("A22", AVEC): Expected(TITULAIRE, MOA, "A25", is_opener=False, is_tacit=True),
    ("A23", AVEC): Expected(TITULAIRE, PAYEUR, is_opener=False),
    ("A24", AVEC): Expected(MOE, PAYEUR, is_opener=False),
    ("A25", AVEC): Expected(MOA, PAYEUR, is_opener=False),
    ("A4", SANS): Expected(TITULAIRE, MOE, "A16"),
    ("A6", SANS): Expected(TITULAIRE, PAYEUR),
    ("A10", SANS): Expected(SOUS_TRAITANT, MOE, "A16", TITULAIRE),
    ("A13", SANS): Expected(COTRAITANT, MOE, "A16", TITULAIRE),
    ("A16", SANS): Expected(MOE, PAYEUR),
    ("A7", SANS): Expected(TITULAIRE, MOE, "A18", is_replaceable=True),
    ("A14", SANS): Expected(COTRAITANT, MOE, "A18", TITULAIRE, is_replaceable=True),
    ("A18", SANS): Expected(MOE, TITULAIRE, "A8", contested="A18"),
    ("A8", SANS): Expected(TITULAIRE, PAYEUR, is_opener=False),
    ("A22", SANS): Expected(TITULAIRE, MOE, "A18", is_opener=False, is_tacit=True),
    ("A23", SANS): Expected(TITULAIRE, PAYEUR, is_opener=False),
    ("A24", SANS): Expected(MOE, PAYEUR, is_opener=False),
}
CASES = 2601
"""Rows x statuses x worlds, which the walks count again: it changes with the table."""
CADRES = sorted({cadre for cadre, _ in ROWS})

FRESH = (Status.MISE_A_DISPOSITION, Status.COMPLETEE)
FINANCIAL = (
    *FRESH,
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
SUFFIX = {MOE: "MOE", MOA: "MOA", TITULAIRE: "FOURNISSEUR"}
ENDS = {
    Status.ASSOCIEE,
    Status.REJETEE,
    Status.REFUSEE_1,
    Status.REFUSEE_MOE,
    Status.REFUSEE_MOA,
    Status.REFUSEE_FOURNISSEUR,
    Status.REMPLACEE_PAR_A22,
    Status.MISE_EN_PAIEMENT,
}
HANDED_BACK = {
    Status.SUSPENDUE,
    Status.A_RECYCLER,
    Status.EN_ATTENTE_RECYCLAGE_FOURNISSEUR,
    Status.CONTESTEE,
}
ON_THE_WAY = {
    Status.DEPOSEE,
    Status.EN_COURS_ACHEMINEMENT,
    Status.VALIDEE_1,
    Status.ABSENCE_VALIDATION_1_HORS_DELAI,
}
"""A piece rests in these only because its hop was not possible."""
HOPS = {
    Status.COMPLETEE,
    Status.CONTESTEE,
    Status.VALIDEE_1,
    Status.A_ASSOCIER_FOURNISSEUR,
    Status.EN_COURS_ACHEMINEMENT,
}
"""What an act leads to by way of a hop, which the directory may forbid."""


@dataclass(frozen=True)
class World:
    """One column of cases: who takes part, the parameters, and whether a hop may be made."""

    parties: Parties
    directory: dict[str, Structure]
    is_possible: bool


@dataclass(frozen=True)
class Case:
    """A piece of a row in a status; `is_late` once its replacement has been offered."""

    cadre: str
    moa: bool
    status: Status
    is_late: bool = False

    @property
    def row(self) -> Expected:
        return ROWS[self.cadre, self.moa]

    @property
    def is_concluded(self) -> bool:
        return self.row.is_tacit and self.status is Status.A_ASSOCIER_FOURNISSEUR

    @property
    def is_held(self) -> bool:
        to_payer = self.row.recipient is PAYEUR
        is_back = self.status is Status.COMPLETEE and not to_payer
        return self.status in ON_THE_WAY or is_back

    def turns(self) -> dict[Role, set[str]]:
        """Who is awaited, and what each may deposit."""
        row, status = self.row, self.status
        if status in ENDS:
            return {}
        if status is Status.A_VALIDER_1 or (status is Status.DEPOSEE and row.validator):
            return {row.validator or TITULAIRE: set()}
        if status in HANDED_BACK:
            return {row.depositor: {row.contested} if status is Status.CONTESTEE else set()}
        if self.is_concluded:
            return {TITULAIRE: {"A23"}, MOE: {"A24"}}
        turns = {row.recipient: {row.next} - {""}}
        return turns | ({TITULAIRE: {"A22"}} if self.is_late else {})


def _worlds(*, moa: bool) -> Iterator[World]:
    parameters = tuple(MoaParameter)
    if not moa:
        for payeur in parameters:
            directory = a_directory(a_structure("payeur", payeur))
            yield World(SANS_MOA, directory, payeur is MoaParameter.SANS)
        return
    for named, payeur in itertools.product(parameters, parameters):
        directory = a_directory(a_structure("moa", named), a_structure("payeur", payeur))
        refused = named is MoaParameter.SANS or payeur is MoaParameter.EXCLUSIVEMENT
        yield World(PARTIES, directory, not refused)
    for both in parameters:
        parties = replace(PARTIES, service_financier=Party("moa"))
        yield World(parties, a_directory(a_structure("moa", both)), both is MoaParameter.AVEC)


def _statuses(row: Expected) -> set[Status]:
    """Where a piece of a row can be at all."""
    common = {Status.DEPOSEE, Status.SUSPENDUE, Status.COMPLETEE, Status.REJETEE}
    if row.validator:
        common |= {Status.A_VALIDER_1, Status.REFUSEE_1, Status.VALIDEE_1}
        common |= {Status.ABSENCE_VALIDATION_1_HORS_DELAI}
    if row.recipient is PAYEUR:
        return common | set(FINANCIAL) | {Status.A_RECYCLER, Status.EN_COURS_ACHEMINEMENT}
    works = {"A_ASSOCIER_", "REFUSEE_"}
    if row.recipient is not TITULAIRE:
        works |= {"PRISE_EN_COMPTE_"}
        common |= {Status.EN_ATTENTE_RECYCLAGE_FOURNISSEUR, Status.EN_COURS_ACHEMINEMENT}
    if row.contested:
        common |= {Status.CONTESTEE}
    if row.is_replaceable:
        common |= {Status.REMPLACEE_PAR_A22}
    if row.is_tacit:
        common |= {Status.A_ASSOCIER_FOURNISSEUR}
    return common | {Status(f"{each}{SUFFIX[row.recipient]}") for each in works} | {Status.ASSOCIEE}


def _cases() -> Iterator[tuple[Case, World]]:
    for (cadre, moa), row in ROWS.items():
        for status in sorted(_statuses(row)):
            is_works = status.startswith(("A_ASSOCIER_", "PRISE_EN_COMPTE_"))
            for is_late in {False, row.is_replaceable and is_works}:
                for world in _worlds(moa=moa):
                    yield Case(cadre, moa, status, is_late), world


def _a_dossier(case: Case, parties: Parties) -> Dossier:
    row = case.row
    deposit = a_deposit(
        case.cadre, parties=parties, depositor=_actor(row.depositor, parties), engagement="EJ"
    )
    turns = [Turn(_actor(role, parties), tuple(cadres)) for role, cadres in case.turns().items()]
    waiting = (
        Waiting(turns[0].actor, case.cadre, turns[0].cadres, NOW, None, tuple(turns[1:]))
        if turns
        else None
    )
    return Dossier(
        "dossier",
        CURRENT,
        load_current()[case.cadre, case.moa].phase,
        parties,
        (Piece(deposit, case.status, {case.status: NOW}, ()),),
        waiting,
        Hold("CIR-MOA-01", "", "moa") if case.is_held else None,
        State.OUVERT if waiting else State.CLOS,
        received_at=NOW,
    )


def _actor(role: Role, parties: Parties) -> Actor:
    party = parties.of(role)
    return Actor(role, party.structure if party else NAMES[role])


def _target(case: Case, role: Role, act: Act, world: World) -> Status | None:
    """What the act makes of the piece, or None: the matrix, by hand."""
    row, status = case.row, case.status
    if role not in case.turns() or case.is_held or case.is_concluded:
        return None
    if status in HANDED_BACK:
        return _back_target(status, act, world)
    if status is Status.A_VALIDER_1:
        return {Act.VALIDER: Status.VALIDEE_1, Act.REFUSER: Status.REFUSEE_1}.get(act)
    if role is not row.recipient:
        return None
    if role is PAYEUR:
        return _financial_target(status, act)
    return _works_target(row, role, act, status)


def _works_target(row: Expected, role: Role, act: Act, status: Status) -> Status | None:
    targets = {Act.REFUSER: Status(f"REFUSEE_{SUFFIX[role]}"), Act.SUSPENDRE: Status.SUSPENDUE}
    if role is not TITULAIRE:
        targets[Act.DEMANDER_RECYCLAGE] = Status.EN_ATTENTE_RECYCLAGE_FOURNISSEUR
        if status.startswith("A_ASSOCIER"):
            targets[Act.PRENDRE_EN_COMPTE] = Status(f"PRISE_EN_COMPTE_{SUFFIX[role]}")
    if row.contested:
        targets[Act.CONTESTER] = Status.CONTESTEE
    if row.is_tacit and act in (Act.SUSPENDRE, Act.DEMANDER_RECYCLAGE):
        return None
    return targets.get(act)


def _back_target(status: Status, act: Act, world: World) -> Status | None:
    if status is Status.SUSPENDUE:
        return Status.COMPLETEE if act is Act.COMPLETER else None
    if status is Status.CONTESTEE:
        return Status.A_ASSOCIER_FOURNISSEUR if act is Act.MAINTENIR else None
    # A piece is not sent again to where it cannot go.
    return Status.EN_COURS_ACHEMINEMENT if act is Act.RECYCLER and world.is_possible else None


def _financial_target(status: Status, act: Act) -> Status | None:
    stops = {
        Act.SUSPENDRE: Status.SUSPENDUE,
        Act.REJETER: Status.REJETEE,
        Act.DEMANDER_RECYCLAGE: Status.A_RECYCLER,
    }
    if act in stops:
        return stops[act] if status in FRESH else None
    later = FINANCIAL_ACTS.get(act)
    is_fresh = status in FRESH
    if later is None or (not is_fresh and FINANCIAL.index(later) <= FINANCIAL.index(status)):
        return None
    return later


@cache
def _command(cadre: str, act: Act, role: Role, parties: Parties) -> Treat | Complete:
    actor = _actor(role, parties)
    if act is Act.COMPLETER:
        return replace(a_completion(cadre, role), actor=actor)
    correction = None
    if act is Act.RECYCLER:
        recipient = ROWS[cadre, parties.moa is not None].recipient
        named = replace(parties[recipient], service="TRVX")
        correction = Correction({recipient: named}, "EJ-2")
    return replace(a_treatment(cadre, act, role), actor=actor, correction=correction)


def _check_act(dossier: Dossier, decision: Decision, target: Status | None, world: World) -> None:
    if target is None:
        assert decision.violations
        assert not [each for each in decision.events if not isinstance(each, AdditionRefused)]
        return
    assert decision.violations == ()
    changes = [event for event in decision.events if isinstance(event, StatusSet)]
    assert changes[0].status is target
    is_held = any(isinstance(event, Held) for event in decision.events)
    assert is_held is (target in HOPS and not world.is_possible)
    _check_rest(fold(dossier, decision.events), ends=target in ENDS)


def _check_rest(dossier: Dossier | None, *, ends: bool) -> None:
    assert dossier is not None
    assert (dossier.awaited is None) is ends
    assert (dossier.state is State.CLOS) is ends


def _say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


def test_every_row_has_an_expectation_and_every_expectation_a_row() -> None:
    assert set(ROWS) == {(row.cadre, row.moa_present) for row in load_current().rows}


def test_every_act_by_every_role_in_every_state_under_every_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = 0
    for case, world in _cases():
        dossier = _a_dossier(case, world.parties)
        for act, role in itertools.product(TREATMENTS | {Act.COMPLETER}, Role):
            command = _command(case.cadre, act, role, world.parties)
            decision = decide(dossier, command, world.directory, NOW)
            _check_act(dossier, decision, _target(case, role, act, world), world)
            walked += 1
    _say(capsys, f"{walked} cases of (row x status x act x role x MOA parameters)")
    assert walked == CASES * 15 * 6


@cache
def _next_deposit(cadre: str, follows: str, role: Role, parties: Parties) -> Deposit:
    depositor = _actor(role, parties)
    return a_deposit(cadre, follows, piece_id="next", parties=parties, depositor=depositor)


def _check_taken(dossier: Dossier, decision: Decision, deposit: Deposit, world: World) -> None:
    assert decision.violations == ()
    assert isinstance(decision.events[0], PieceReceived)
    folded = fold(dossier, decision.events)
    assert folded is not None
    piece = folded[deposit.piece_id]
    replaced = deposit.cadre == "A22"
    assert folded.pieces[0].status is (Status.REMPLACEE_PAR_A22 if replaced else Status.ASSOCIEE)
    assert (folded.hold is None) is world.is_possible
    assert (piece.status is Status.DEPOSEE) is not world.is_possible
    assert folded.awaited is not None
    row = ROWS[deposit.cadre, world.parties.moa is not None]
    assert folded.awaited.actor.role is (row.validator or row.recipient)
    _check_rest(folded, ends=False)


def _check_rejected(decision: Decision) -> None:
    """Only its own status is set: what that leaves of a dossier is checked once a dossier."""
    assert decision.violations
    received, deposited, rejected = decision.events
    assert isinstance(received, PieceReceived)
    assert isinstance(deposited, StatusSet)
    assert isinstance(rejected, StatusSet)
    assert (deposited.piece_id, deposited.status) == ("next", Status.DEPOSEE)
    assert (rejected.piece_id, rejected.status) == ("next", Status.REJETEE)


def _check_undisturbed(dossier: Dossier, rejection: Decision) -> None:
    folded = fold(dossier, rejection.events)
    assert folded is not None
    assert folded["next"].status is Status.REJETEE
    assert folded.pieces[:-1] == dossier.pieces
    assert (folded.awaited, folded.state) == (dossier.awaited, dossier.state)


def test_every_next_piece_by_every_role_in_every_state_under_every_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = 0
    for case, world in _cases():
        dossier = _a_dossier(case, world.parties)
        turns = {} if case.is_held else case.turns()
        rejection = Decision()
        for later, role in itertools.product(CADRES, Role):
            deposit = _next_deposit(later, case.cadre, role, world.parties)
            decision = decide(dossier, deposit, world.directory, NOW)
            if later in turns.get(role, ()):
                _check_taken(dossier, decision, deposit, world)
            else:
                _check_rejected(decision)
                rejection = decision
            walked += 1
        _check_undisturbed(dossier, rejection)
    _say(capsys, f"{walked} cases of (row x status x next cadre x role x MOA parameters)")
    assert walked == CASES * 18 * 6


def test_every_opener_by_every_role_under_every_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = 0
    worlds = (*_worlds(moa=True), *_worlds(moa=False))
    for world, cadre, role in itertools.product(worlds, CADRES, Role):
        depositor = _actor(role, world.parties)
        deposit = a_deposit(cadre, parties=world.parties, depositor=depositor)
        decision = decide(None, deposit, world.directory, NOW)
        dossier = fold(None, decision.events)
        assert dossier is not None
        row = ROWS.get((cadre, world.parties.moa is not None))
        opens = row is not None and row.is_opener and role is row.depositor
        assert (dossier.state is State.OUVERT) is opens
        assert (decision.violations == ()) is opens
        if opens:
            assert (dossier.hold is None) is world.is_possible
        walked += 1
    _say(capsys, f"{walked} cases of (opener x role x MOA parameters)")
    assert walked == (12 + 3) * 18 * 6


AMOUNTS_ARE_THOSE_BEFORE = {
    ("A20", "A8", AVEC),
    ("A18", "A8", SANS),
    ("A22", "A23", AVEC),
    ("A22", "A24", AVEC),
    ("A22", "A23", SANS),
    ("A22", "A24", SANS),
}
"""(Before, after, MOA): a décompte général is signed, or becomes final, as it is."""
TOTALS = {  # of HT 100.00, TVA 20.00, TTC 120.00, of which 120.00 are due; may a signature say so
    ("100.00", "20.00", "120.00", "120.00"): True,
    ("100", "20", "120", "120"): True,
    ("100.00", "20.00", "120.00", "119.99"): True,
    ("100.00", "20.00", "120.00", "0.00"): True,
    ("100.00", "20.00", "120.00", "120.01"): False,
    ("100.00", "20.00", "120.00", "-0.01"): False,
    ("100.01", "20.00", "120.00", "120.00"): False,
    ("100.00", "20.01", "120.00", "120.00"): False,
    ("100.00", "20.00", "120.01", "120.00"): False,
    ("99.00", "21.00", "120.00", "120.00"): False,
    ("90.00", "18.00", "108.00", "108.00"): False,
    ("1000.00", "200.00", "1200.00", "1200.00"): False,
    ("-100.00", "-20.00", "-120.00", "-120.00"): False,
}
KINDS = {"380": True, "384": True, "381": False, None: True}
"""Types of document after an invoice: may a signature be one."""


def _followers() -> Iterator[tuple[Case, str, Role]]:
    """Every piece that may come next, by whom it may."""
    for case in {case for case, _ in _cases()}:
        for role, cadres in ({} if case.is_held else case.turns()).items():
            yield from ((case, cadre, role) for cadre in cadres)


def test_every_next_piece_with_every_other_amount_type_and_currency(
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = refused = 0
    for case, cadre, role in _followers():
        parties = PARTIES if case.moa else SANS_MOA
        world = World(parties, a_directory(), is_possible=True)
        opened = _a_dossier(case, parties)
        piece = replace(
            opened.pieces[0], deposit=replace(opened.pieces[0].deposit, type_code="380")
        )
        dossier = replace(opened, pieces=(piece,))
        carries = (case.cadre, cadre, case.moa) in AMOUNTS_ARE_THOSE_BEFORE
        for totals, kind, currency in itertools.product(TOTALS, KINDS, ("EUR", "USD")):
            deposit = replace(
                _next_deposit(cadre, case.cadre, role, parties),
                amounts=Amounts(*map(Decimal, totals)),
                type_code=kind,
                currency=currency,
            )
            wins = currency == "EUR" and (not carries or (TOTALS[totals] and KINDS[kind]))
            decision = decide(dossier, deposit, world.directory, NOW)
            if wins:
                _check_taken(dossier, decision, deposit, world)
            else:
                _check_rejected(decision)
                _check_undisturbed(dossier, decision)
            walked += 1
            refused += not wins
    _say(capsys, f"{walked} cases of (row x next cadre x totals x type x currency)")
    assert (walked, refused) == (6032, 3016 + 6 * 40)


OFFERED = {("A7", MOE), ("A14", MOE), ("A17", MOA)}


def test_every_delay_that_passes_in_every_state_under_every_parameter(
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = endless = 0
    for case, world in _cases():
        dossier = _a_dossier(case, world.parties)
        if dossier.awaited is None:
            continue
        late = replace(dossier, awaited=replace(dossier.awaited, due=NOW))
        before = decide(late, ApplyDelay(), world.directory, NOW - timedelta(seconds=1))
        assert before == Decision()
        if case.is_held:
            assert decide(late, ApplyDelay(), world.directory, NOW) == Decision()
            continue
        if load_current().find_delay(case.cadre, dossier.awaited.actor.role) is None:
            with pytest.raises(MessageError, match="no delay"):
                decide(late, ApplyDelay(), world.directory, NOW)
            endless += 1
            continue
        decision = decide(late, ApplyDelay(), world.directory, NOW)
        assert isinstance(decision.events[0], DelayElapsed)
        folded = fold(late, decision.events)
        assert folded is not None
        assert folded.awaited is not None
        _check_elapsed(case, decision, folded, world)
        again = decide(folded, ApplyDelay(), world.directory, NOW)
        assert again == Decision()
        walked += 1
    _say(capsys, f"{walked} cases of (delay x row x status x MOA parameters)")
    assert (walked, endless) == (378, 915)


def _check_elapsed(case: Case, decision: Decision, folded: Dossier, world: World) -> None:
    waited_for = next(iter(case.turns()))
    rest = decision.events[1:]
    assert folded.awaited is not None
    first, is_handed_back = folded.awaited.actor, case.status in HANDED_BACK
    if case.status is Status.A_VALIDER_1:
        silent = next(event for event in rest if isinstance(event, StatusSet))
        assert silent.status is Status.ABSENCE_VALIDATION_1_HORS_DELAI
        assert (folded.hold is None) is world.is_possible
        assert first.role is MOE
    elif (case.cadre, waited_for) in OFFERED and not is_handed_back and not case.is_late:
        (offered,) = rest
        assert isinstance(offered, Offered)
        assert (offered.to.role, offered.cadres) == (TITULAIRE, ("A22",))
    elif case.row.is_tacit and waited_for is case.row.recipient and not is_handed_back:
        assert folded.pieces[0].status is Status.A_ASSOCIER_FOURNISSEUR
        turns = {turn.actor.role: turn.cadres for turn in folded.awaited.turns}
        assert turns == {TITULAIRE: ("A23",), MOE: ("A24",)}
    else:
        assert rest == ()
        assert folded.pieces[0].status is case.status
