"""The rules of a piece that follows another, of a completion, and what is prefilled."""

from dataclasses import replace
from decimal import Decimal

import pytest

from services.deposit.domain.completing import judge_completion, judge_turn_to_complete
from services.deposit.domain.following import Following
from services.deposit.domain.piece import Completion
from services.deposit.domain.prefill import options
from services.deposit.domain.rules import FOLLOWED_UNKNOWN
from services.deposit.domain.turns import Awaited, DossierState
from shared.circuit.loader import current
from shared.circuit.parties import Party
from shared.vocabulary.attachments import Attached
from shared.vocabulary.roles import Application, MoaParameter, Role, StructureStatus
from shared.vocabulary.statuses import Status
from tests.unit.deposit.judged import (
    DIRECTORY,
    MOA,
    MOE,
    NOW,
    PAYER,
    READ,
    TITULAIRE,
    WORLD,
    a_piece,
    a_state,
    a_structure,
    accepted,
    after,
    broken,
    next_piece,
    reading,
)

PIECE = a_piece()
STATE = a_state(PIECE)
AFTER = after(PIECE, STATE)


def test_the_one_awaited_deposits_the_next_piece_and_the_parties_are_the_dossier_s() -> None:
    draft = accepted(next_piece(), AFTER)

    assert (draft.follows, draft.parties) == (PIECE.id, PIECE.draft.parties)
    assert (draft.recipient.role, draft.recipient.structure) == (Role.MOA, MOA)
    assert draft.changes == ()


def test_changed_amounts_are_shown_beside_the_previous_step_and_refuse_nothing() -> None:
    lower = next_piece(ht=Decimal("90.00"), ttc=Decimal("110.00"), due=Decimal("110.00"))

    changes = accepted(lower, AFTER).changes

    assert [(each.field, each.previous, each.now, each.difference) for each in changes] == [
        ("ht", Decimal("100.00"), Decimal("90.00"), Decimal("-10.00")),
        ("ttc", Decimal("120.00"), Decimal("110.00"), Decimal("-10.00")),
        ("due", Decimal("120.00"), Decimal("110.00"), Decimal("-10.00")),
    ]


def test_while_routing_has_not_taken_the_piece_the_answer_is_to_try_again() -> None:
    assert broken(next_piece(), after(PIECE, None)) == [("DEP-SUITE-03", "follows")]


def test_a_followed_piece_that_nobody_deposited_is_refused() -> None:
    lost = replace(WORLD, misled=(FOLLOWED_UNKNOWN.broken("follows", wanted="X"),))

    assert broken(next_piece(), lost) == [("DEP-SUITE-01", "follows")]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (replace(STATE, awaited=None), "DEP-TOUR-01"),
        (
            replace(STATE, awaited=Awaited(Role.MOA, MOA, "piece-2", (), NOW)),
            "DEP-TOUR-02",
        ),
        (
            replace(STATE, awaited=Awaited(Role.MOA, MOA, PIECE.id, (), NOW)),
            "DEP-TOUR-03",
        ),
        (
            replace(STATE, awaited=Awaited(Role.MOE, MOE, PIECE.id, (), NOW, held="CIR-MOA-01")),
            "DEP-TOUR-04",
        ),
        (a_state(PIECE, Status.SUSPENDUE), "DEP-TOUR-05"),
    ],
)
def test_who_is_not_awaited_is_told_why(state: DossierState, code: str) -> None:
    assert broken(next_piece(), after(PIECE, state)) == [(code, "follows")]


def test_a_cadre_not_allowed_now_is_refused() -> None:
    assert broken(next_piece(cadre="A19"), AFTER) == [
        ("CIR-CADRE-04", "cadre"),
        ("CIR-CADRE-03", "cadre"),
    ]


def test_a_contested_decompte_is_followed_by_a_new_one_of_the_moa() -> None:
    general = replace(PIECE, draft=replace(PIECE.draft, cadre="A20", depositor_role=Role.MOA))
    awaited = Awaited(Role.MOA, MOA, PIECE.id, ("A20",), NOW)
    contested = after(general, a_state(general, Status.CONTESTEE, awaited))

    assert broken(next_piece(Role.MOA, MOA, cadre="A20"), contested) == []
    assert broken(next_piece(Role.MOA, MOA, cadre="A8"), contested) == [
        ("CIR-CADRE-04", "cadre"),
        ("CIR-CADRE-03", "cadre"),
    ]


def test_a_next_piece_may_name_a_service_and_not_another_structure() -> None:
    proposal = next_piece()
    served = replace(
        proposal, said=replace(proposal.said, parties={Role.MOA: Party("", "TRAVAUX")})
    )
    moved = replace(proposal, said=replace(proposal.said, parties={Role.MOA: Party(PAYER)}))

    assert accepted(served, AFTER).recipient.service == "TRAVAUX"
    assert broken(moved, AFTER) == [("DEP-META-03", "parties.moa.structure")]


def test_a_next_piece_needs_what_its_recipient_requires_and_an_active_depositor() -> None:
    directory = {
        **DIRECTORY,
        MOE: a_structure(MOE, status=StructureStatus.INACTIF),
        MOA: a_structure(MOA, engagement_ou_service=True, moa=MoaParameter.AVEC),
    }

    assert broken(next_piece(), replace(AFTER, directory=directory)) == [
        ("CIR-STRUCTURE-02", "parties.moe.structure"),
        ("CIR-CHAMP-03", "engagement"),
    ]


def test_a_moa_parameter_that_changed_since_the_opening_refuses_no_next_piece() -> None:
    directory = {**DIRECTORY, MOA: a_structure(MOA, moa=MoaParameter.SANS)}

    assert broken(next_piece(), replace(AFTER, directory=directory)) == []


def test_a_dossier_keeps_its_currency() -> None:
    assert broken(next_piece(currency="USD"), AFTER) == [("DEP-SUITE-04", "currency")]


def test_the_piece_that_a_file_cites_is_the_one_that_is_followed() -> None:
    proposal = replace(next_piece(), read=replace(READ, number="EA-1", cadre="A15"))
    cites = replace(proposal, read=replace(proposal.read, preceding_numbers=("sit-1",)))
    differs = replace(proposal, read=replace(proposal.read, preceding_numbers=("SIT-9",)))

    assert cites.cited_number(current()) == "sit-1"
    assert broken(cites, AFTER) == []
    assert broken(differs, AFTER) == [("DEP-META-01", "follows")]


def test_what_an_opener_cites_is_outside_the_platform() -> None:
    assert reading(preceding_numbers=("F-1",)).cited_number(current()) is None
    assert broken(reading(preceding_numbers=("F-1",))) == []


def test_the_prefill_names_cadre_recipient_and_required_fields() -> None:
    directory = {**DIRECTORY, MOA: a_structure(MOA, engagement_ou_service=True)}

    (option,) = options(current(), Following(PIECE, STATE), Role.MOE, directory)

    assert (option.cadre, option.recipient.structure) == ("A15", MOA)
    assert option.recipient.application is Application.FACTURES_DE_TRAVAUX
    assert option.required == ("parties.moa.service|engagement",)


def suspended() -> Awaited:
    return Awaited(Role.TITULAIRE, TITULAIRE, PIECE.id, (), NOW)


def test_only_the_depositor_of_a_suspended_piece_completes_it() -> None:
    waiting = a_state(PIECE, Status.SUSPENDUE, suspended())

    assert list(judge_turn_to_complete(PIECE, waiting, Role.TITULAIRE, TITULAIRE)) == []
    (other,) = judge_turn_to_complete(PIECE, waiting, Role.MOE, MOE)
    (early,) = judge_turn_to_complete(PIECE, STATE, Role.TITULAIRE, TITULAIRE)
    (unknown,) = judge_turn_to_complete(PIECE, None, Role.TITULAIRE, TITULAIRE)
    assert (other.code, early.code, unknown.code) == (
        "DEP-TOUR-03",
        "DEP-TOUR-03",
        "DEP-SUITE-03",
    )


def test_a_suspension_is_answered_once() -> None:
    waiting = a_state(PIECE, Status.SUSPENDUE, suspended())
    completion = Completion((), "voici", NOW, "2" * 64, waiting.version)
    answered = replace(PIECE, completions=(completion,))

    (told,) = judge_turn_to_complete(answered, waiting, Role.TITULAIRE, TITULAIRE)
    suspended_again = replace(waiting, version=waiting.version + 1)
    again = list(judge_turn_to_complete(answered, suspended_again, Role.TITULAIRE, TITULAIRE))

    assert told.code == "DEP-COMPL-01"
    assert again == []


def test_a_completion_brings_something() -> None:
    (nothing,) = judge_completion((), "  ")

    assert nothing.code == "DEP-COMPL-02"
    assert judge_completion((), "Le bon est page 3.") == ()
    assert judge_completion((Attached("bon.pdf", 9, b"%PDF-1.4"),), None) == ()


def test_a_payment_that_is_not_reported_is_hidden_from_the_titulaire_alone() -> None:
    paid = replace(
        STATE,
        statuses={PIECE.id: Status.MISE_EN_PAIEMENT},
        reported={PIECE.id: Status.MANDATEE},
    )

    def seen(role: Role, *, hidden: bool) -> Status:
        return replace(paid, payment_not_reported=hidden).status_for(role, PIECE.id)

    assert seen(Role.TITULAIRE, hidden=True) is Status.MANDATEE
    assert seen(Role.TITULAIRE, hidden=False) is Status.MISE_EN_PAIEMENT
    assert seen(Role.MOA, hidden=True) is Status.MISE_EN_PAIEMENT
