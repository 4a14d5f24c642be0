"""A record of an actor's topic says why the piece comes, and what its recipient may do."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from services.routing.application.journey import Cause, Enclosure, Journey
from services.routing.application.messages import build_messages
from services.routing.domain.commands import ApplyDelay, Command, Correction, Rejudge
from services.routing.domain.decide import decide
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import Event
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.contracts.common_v1 import FileV1
from shared.contracts.routing_v1 import PieceForwarded
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Role
from shared.vocabulary.structures import MoaParameter
from tests.unit.routing.builders import (
    A4,
    A7,
    A15,
    A17,
    A19,
    A20,
    COMPLETED_AT,
    DIRECTORY,
    NOW,
    a_completion,
    a_deposit,
    a_directory,
    a_structure,
    a_treatment,
    fold,
)

FILE = FileV1(sha256="f" * 64, size_bytes=1000, name="piece.xml", media_type="application/xml")
PAYER = Role.SERVICE_FINANCIER
LATER = NOW + timedelta(days=60)


def told(dossier: Dossier, events: tuple[Event, ...], past: list[Event]) -> list[PieceForwarded]:
    journey = Journey(
        dossier, "j", enclosures={each.id: Enclosure(FILE) for each in dossier.pieces}
    )
    messages = build_messages(journey, events, Cause("j"), LEVEL, past)
    payloads = [message.payload for message in messages]
    return [payload for payload in payloads if isinstance(payload, PieceForwarded)]


def last_told(*commands: Command, last_at: datetime = NOW) -> list[PieceForwarded]:
    """Give the records that the last of a series of commands makes, at `last_at`."""
    dossier: Dossier | None = None
    records: list[PieceForwarded] = []
    for rank, command in enumerate(commands, 1):
        at = last_at if rank == len(commands) else NOW
        decision = decide(dossier, command, DIRECTORY, at)
        assert decision.violations == ()
        dossier = fold(dossier, decision.events)
        assert dossier
        records = told(dossier, decision.events, [])
    return records


def why(records: Iterable[PieceForwarded]) -> list[tuple[object, ...]]:
    """Give for whom, and the act or delay, who did it and what was said."""
    return [
        (each.role, each.reason.act or each.reason.delay, each.reason.by.role, each.reason.comment)
        for each in records
        if each.reason
    ]


def test_a_suspended_piece_says_who_suspended_it_why_and_that_it_is_to_be_completed() -> None:
    suspend = a_treatment("A4", Act.SUSPENDRE, Role.MOE, comment="Manque le DC4.")

    (record,) = last_told(A4, suspend)

    assert record.reason
    assert record.reason.model_dump() == {
        "act": "suspendre",
        "delay": None,
        "by": {"role": Role.MOE, "structure": "moe"},
        "comment": "Manque le DC4.",
        "at": NOW,
    }
    assert (record.role, record.next_cadres, record.acts) == (
        Role.TITULAIRE,
        (),
        ("completer",),
    )


def test_a_completed_piece_says_what_its_depositor_wrote() -> None:
    suspend = a_treatment("A4", Act.SUSPENDRE, Role.MOE)

    (record,) = last_told(A4, suspend, a_completion("A4", Role.TITULAIRE))

    assert why([record]) == [(Role.MOE, "completer", Role.TITULAIRE, "Voici.")]
    assert record.reason
    assert record.reason.at == COMPLETED_AT
    assert record.next_cadres == ("A15",)
    assert record.acts == (
        "deposer_suite",
        "prendre_en_compte",
        "refuser",
        "suspendre",
        "demander_recyclage",
    )


def test_a_piece_to_recycle_and_a_recycled_one_say_so() -> None:
    ask = a_treatment("A19", Act.DEMANDER_RECYCLAGE, PAYER, comment="Mauvais service.")
    recycle = a_treatment(
        "A19",
        Act.RECYCLER,
        Role.MOA,
        comment="Service corrigé.",
        correction=Correction({PAYER: Party("payeur", "TRVX")}),
    )

    asked = last_told(A4, A15, A19, ask)
    recycled = last_told(A4, A15, A19, ask, recycle)

    assert why(asked) == [(Role.MOA, "demander_recyclage", PAYER, "Mauvais service.")]
    assert asked[0].acts == ("recycler",)
    assert why(recycled) == [(PAYER, "recycler", Role.MOA, "Service corrigé.")]


def test_a_contest_and_its_answer_say_what_was_written() -> None:
    contest = a_treatment("A20", Act.CONTESTER, Role.TITULAIRE, comment="Révision omise.")
    maintain = a_treatment("A20", Act.MAINTENIR, Role.MOA, comment="Elle est comprise.")

    assert why(last_told(A7, A17, A20, contest)) == [
        (Role.MOA, "contester", Role.TITULAIRE, "Révision omise.")
    ]
    assert why(last_told(A7, A17, A20, contest, maintain)) == [
        (Role.TITULAIRE, "maintenir", Role.MOA, "Elle est comprise.")
    ]


def test_a_validated_piece_says_who_validated_it() -> None:
    validate = a_treatment("A10", Act.VALIDER, Role.TITULAIRE, comment="Conforme.")

    assert why(last_told(a_deposit("A10"), validate)) == [
        (Role.MOE, "valider", Role.TITULAIRE, "Conforme.")
    ]


def test_what_comes_because_a_delay_passed_names_it_and_whom_it_awaited() -> None:
    validated = last_told(a_deposit("A10"), ApplyDelay(), last_at=LATER)
    offered = last_told(A7, ApplyDelay(), last_at=LATER)

    assert why(validated) == [(Role.MOE, "validation", Role.TITULAIRE, None)]
    assert why(offered) == [(Role.TITULAIRE, "decompte_general", Role.MOE, None)]
    assert (offered[0].next_cadres, offered[0].acts) == (("A22",), ("remplacer",))
    assert validated[0].reason
    assert (validated[0].reason.act, validated[0].reason.at) == (None, LATER)


def test_a_piece_just_deposited_has_no_reason_and_who_is_informed_no_act() -> None:
    to_the_moe, to_the_moa = last_told(A7)

    assert (to_the_moe.reason, to_the_moa.reason) == (None, None)
    assert "deposer_suite" in to_the_moe.acts
    assert (to_the_moa.purpose, to_the_moa.acts) == ("information", ())
    assert why(last_told(A4, A15)) == []


def test_a_piece_that_was_held_comes_because_of_the_act_before() -> None:
    payer_refuses = a_directory(a_structure("payeur", MoaParameter.EXCLUSIVEMENT))
    suspend = a_treatment("A15", Act.SUSPENDRE, Role.MOA)
    complete = replace(a_completion("A15", Role.MOE), comment="Plan joint.")
    dossier: Dossier | None = None
    past: list[Event] = []
    for command in (A4, A15, suspend):
        events = decide(dossier, command, DIRECTORY, NOW).events
        dossier, past = fold(dossier, events), [*past, *events]
    events = decide(dossier, complete, payer_refuses, NOW).events
    dossier, past = fold(dossier, events), [*past, *events]
    assert dossier
    assert dossier.hold

    let_go = decide(dossier, Rejudge(), DIRECTORY, LATER).events
    free = fold(dossier, let_go)
    assert free

    assert why(told(free, let_go, past)) == [(Role.MOA, "completer", Role.MOE, "Plan joint.")]
