"""What a record says of money: what its piece states, what prevails, and where the two differ."""

from dataclasses import replace
from decimal import Decimal

import pytest

from services.routing.application.journey import Cause, Enclosure, Journey
from services.routing.application.messages import build_messages, build_state_message
from services.routing.domain.commands import Command, Correction, Deposit
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import Event, Forwarded
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.contracts.common_v1 import FileV1
from shared.contracts.routing_v1 import DifferenceV1, DossierChanged, PieceForwarded
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Application, Purpose, Role
from shared.vocabulary.statuses import Status
from tests.unit.routing.builders import (
    A4,
    A7,
    A8,
    A15,
    A17,
    A19,
    A20,
    DIRECTORY,
    NOW,
    a_completion,
    a_deposit,
    a_treatment,
    after,
    an_actor,
    fold,
)

FILE = FileV1(sha256="f" * 64, size_bytes=1000, name="piece.xml", media_type="application/xml")
CAUSE = Cause("journey")
PAYER = Role.SERVICE_FINANCIER


def stating(deposit: Deposit, ttc: str, due: str | None = None) -> Deposit:
    """Give a piece other amounts, at 20 %."""
    whole = Decimal(ttc)
    ht = whole / Decimal("1.2")
    amounts = Amounts(ht, whole - ht, whole, whole if due is None else Decimal(due))
    return replace(deposit, amounts=amounts)


def told(dossier: Dossier, events: tuple[Event, ...]) -> list[PieceForwarded]:
    """Give the records that tell of events; each piece is an invoice."""
    enclosures = {piece.id: Enclosure(FILE, type_code="380") for piece in dossier.pieces}
    journey = Journey(dossier, "journey", enclosures=enclosures)
    payloads = [message.payload for message in build_messages(journey, events, CAUSE, LEVEL)]
    return [payload for payload in payloads if isinstance(payload, PieceForwarded)]


def put(*commands: Command) -> list[PieceForwarded]:
    """Give every record that puts a piece before somebody, as each command makes it."""
    dossier: Dossier | None = None
    records: list[PieceForwarded] = []
    for command in commands:
        decision = decide(dossier, command, DIRECTORY, NOW)
        assert decision.violations == ()
        dossier = fold(dossier, decision.events)
        assert dossier is not None
        records += told(dossier, decision.events)
    return records


def shown(record: PieceForwarded) -> tuple[str, str, int, int, bool]:
    assert record.prevailing is not None
    said = record.prevailing
    amounts = said.amounts
    return record.cadre, said.cadre, int(amounts.ttc), int(amounts.due), said.is_settled


def apart(differences: tuple[DifferenceV1, ...]) -> list[tuple[str, int, int]]:
    return [(each.field, int(each.other), int(each.stated)) for each in differences]


END = (
    stating(A7, "144.00"),
    stating(A17, "132.00"),
    stating(A20, "120.00"),
    stating(A8, "120.00", "20.00"),
)


def test_every_record_says_what_prevails_when_it_is_put_before_somebody() -> None:
    assert [(record.role, *shown(record)) for record in put(*END)] == [
        (Role.MOE, "A7", "A7", 144, 144, False),
        (Role.MOA, "A7", "A7", 144, 144, False),
        (Role.MOA, "A17", "A17", 132, 132, False),
        (Role.TITULAIRE, "A20", "A20", 120, 120, False),
        (PAYER, "A8", "A8", 120, 20, True),
    ]


def test_the_payer_of_a_signed_decompte_reads_what_was_paid_meanwhile() -> None:
    record = put(*END)[-1]

    assert record.prevailing is not None
    assert (record.prevailing.piece_id, record.prevailing.number) == ("A8", "N-A8")
    assert (record.prevailing.currency, record.prevailing.type_code) == ("EUR", "380")
    assert record.type_code == "380"
    assert record.differences == ()
    assert apart(record.changes) == [("due", 120, 20)]
    assert record.changes[0].difference == -100


def test_a_piece_that_changes_the_amounts_tells_each_of_them_beside_the_step_before() -> None:
    record = put(stating(A4, "144.00"), stating(A15, "120.00"))[-1]

    assert apart(record.changes) == [
        ("ht", 120, 100),
        ("tva", 24, 20),
        ("ttc", 144, 120),
        ("due", 144, 120),
    ]
    assert record.differences == ()


def test_a_signature_of_other_amounts_that_was_taken_once_prevails_nowhere() -> None:
    """In a dossier of before the rule: its payer reads what the décompte général says."""
    dossier = after(A7, A17, stating(A20, "12000.00"), stating(A8, "12000.00"))
    pieces = tuple(
        replace(piece, deposit=stating(piece.deposit, "118800.00")) if piece.id == "A8" else piece
        for piece in dossier.pieces
    )
    again = a_treatment("A8", Act.SUSPENDRE, PAYER)
    dossier = replace(dossier, pieces=pieces)
    dossier = after(again, a_completion("A8", Role.TITULAIRE), dossier=dossier)

    payer, where = an_actor(PAYER), Application.FACTURES_RECUES
    forwarded = Forwarded(NOW, "A8", payer, where, Purpose.ACTION, (), {})
    (record,) = told(dossier, (forwarded,))

    assert record.amounts.ttc == 118800
    assert shown(record) == ("A8", "A20", 12000, 12000, True)
    assert apart(record.differences) == [
        ("ht", 10000, 99000),
        ("tva", 2000, 19800),
        ("ttc", 12000, 118800),
        ("due", 12000, 118800),
    ]
    assert record.changes == record.differences


BACK = (
    (a_treatment("A8", Act.SUSPENDRE, PAYER), a_completion("A8", Role.TITULAIRE)),
    (a_treatment("A8", Act.DEMANDER_RECYCLAGE, PAYER),),
)


@pytest.mark.parametrize("back", BACK)
def test_what_comes_back_or_goes_again_says_so_again(back: tuple[Command, ...]) -> None:
    first, *later = put(*END, *back)[4:]

    assert len(later) == len(back)
    for record in later:
        assert shown(record) == shown(first) == ("A8", "A8", 120, 20, True)
        assert record.changes == first.changes


def test_a_contest_puts_what_may_still_change_before_the_moa() -> None:
    contest = a_treatment("A20", Act.CONTESTER, Role.TITULAIRE)
    anew = stating(a_deposit("A20", "A20", piece_id="A20bis", number="N-A20bis"), "126.00")

    *_, contested, notified, signed = put(
        *END[:3], contest, anew, stating(replace(A8, follows="A20bis"), "126.00")
    )

    assert (contested.role, *shown(contested)) == (Role.MOA, "A20", "A20", 120, 120, False)
    assert (notified.role, *shown(notified)) == (Role.TITULAIRE, "A20", "A20", 126, 126, False)
    assert notified.prevailing is not None
    assert notified.prevailing.piece_id == "A20bis"
    assert (signed.role, *shown(signed)) == (PAYER, "A8", "A8", 126, 126, True)


def test_the_state_of_a_dossier_says_what_prevails() -> None:
    dossier = after(stating(A4, "144.00"), stating(A15, "120.00"), stating(A19, "120.00"))
    enclosures = {piece.id: Enclosure(FILE, type_code="381") for piece in dossier.pieces}

    journey = Journey(dossier, "journey", enclosures=enclosures, trail="d" * 64)

    state = build_state_message(journey, CAUSE, NOW, LEVEL).payload

    assert isinstance(state, DossierChanged)
    assert state.prevailing is not None
    assert state.prevailing.cadre == "A19"
    assert (state.prevailing.type_code, state.prevailing.is_settled) == ("381", True)


def test_whoever_may_not_know_of_a_payment_is_told_the_status_entered_last_before_it() -> None:
    to_its_service = Correction({PAYER: Party("payeur", "TRVX")})
    paid = after(
        *(A4, A15, A19),
        a_treatment("A19", Act.DEMANDER_RECYCLAGE, PAYER),
        # It enters EN_COURS_ACHEMINEMENT for the first time, and MISE_A_DISPOSITION again, at once.
        a_treatment("A19", Act.RECYCLER, Role.MOA, correction=to_its_service),
        a_treatment("A19", Act.METTRE_EN_PAIEMENT, PAYER),
    )

    enclosures = {piece.id: Enclosure(FILE) for piece in paid.pieces}
    journey = Journey(paid, "journey", enclosures=enclosures, trail="d" * 64)
    state = build_state_message(journey, CAUSE, NOW, LEVEL).payload

    assert isinstance(state, DossierChanged)
    piece = state.pieces[-1]
    assert (piece.status, piece.reported) == (Status.MISE_EN_PAIEMENT, Status.MISE_A_DISPOSITION)
