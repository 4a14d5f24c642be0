"""Rules of a mandant and of a facture de régularisation: each is broken once, by code and field."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.judgement import World, judge
from services.deposit.domain.metadata import Metadata
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import JudgedBy
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.settlements import SettledDossier
from services.deposit.entrypoints.requests import read_metadata
from shared.circuit.loader import load_current, load_version
from shared.circuit.parties import Party
from shared.vocabulary.roles import Application, Role
from shared.vocabulary.statuses import Status
from tests.unit.deposit.builders import (
    COTRAITANT,
    MOA,
    MOE,
    OPENING,
    PAYER,
    READ,
    TITULAIRE,
    TODAY,
    WORLD,
    a_piece,
    a_state,
    a_turn,
    accepted,
    awaiting,
    broken,
    next_piece,
)
from tests.unit.deposit.settled import A1, A1_WORLD, MANDANT, MARCHE, a_mandate, a_paid_dossier

UNDER_MANDATE = replace(
    OPENING,
    metadata=replace(OPENING.metadata, mandant=MANDANT),
    read=replace(READ, marche=MARCHE, buyer=FileParty("Société d'aménagement", MOA)),
)
MANDATED = replace(WORLD, circuit=load_version("2026-3"), mandates=(a_mandate(),))


def settling(*dossiers: SettledDossier, **fields: Any) -> tuple[Proposal, World]:  # noqa: ANN401 - any field of an e-invoice
    """Settle some dossiers by an A1 with other fields."""
    found = {each.state.id: each for each in dossiers}
    proposal = replace(
        A1,
        metadata=replace(A1.metadata, settles=tuple(found)),
        read=replace(A1.read, **fields),
    )
    return proposal, replace(A1_WORLD, settled=found)


def asking(due: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of an e-invoice
    amount = Decimal(due)
    return {"ht": amount, "tva": Decimal(0), "ttc": amount, "due": amount, **fields}


def test_an_opener_under_a_mandate_keeps_its_mandant_and_the_mandate() -> None:
    draft = accepted(UNDER_MANDATE, MANDATED)

    assert (draft.mandant, draft.mandate) == (MANDANT, JudgedBy("m-0", 2))
    assert draft.parties.service_financier == Party(MOA)


def test_the_delegate_pays_when_nobody_is_named() -> None:
    unsaid = replace(UNDER_MANDATE, read=replace(UNDER_MANDATE.read, buyer=FileParty()))

    assert accepted(unsaid, MANDATED).parties.service_financier == Party(MOA)


def test_a_mandant_that_is_the_moa_itself_needs_no_mandate() -> None:
    own = replace(OPENING, metadata=replace(OPENING.metadata, mandant=MOA))

    draft = accepted(own, replace(MANDATED, mandates=()))
    assert (draft.mandant, draft.mandate) == (None, None)


def test_under_a_mandate_another_service_financier_is_refused() -> None:
    other = replace(UNDER_MANDATE, read=replace(UNDER_MANDATE.read, buyer=FileParty(siret=PAYER)))

    assert broken(other, MANDATED) == [("CIR-MANDAT-06", "parties.service_financier.structure")]


def test_a_mandant_without_a_moa_is_refused() -> None:
    alone = replace(OPENING, metadata=Metadata(parties={Role.MOE: Party(MOE)}, mandant=MANDANT))

    assert broken(alone, MANDATED) == [("CIR-MANDAT-07", "mandant")]


def test_below_level_2_what_is_new_is_refused_and_says_so() -> None:
    new = Metadata(parties=OPENING.metadata.parties, mandant=MANDANT, settles=("d-1",), lot="1")

    judged = judge(replace(OPENING, metadata=new), replace(WORLD, level=1))

    assert [(each.code, each.field) for each in judged.violations] == [
        ("DEP-META-09", "mandant"),
        ("DEP-META-09", "settles"),
        ("DEP-META-09", "lot"),
    ]
    assert "mise à jour" in judged.violations[0].message


def test_below_level_2_nobody_deposits_a_regularisation() -> None:
    world = replace(A1_WORLD, circuit=load_current(1), level=1)

    assert ("CIR-CADRE-01", "cadre") in broken(A1, world)


def _following(role: Role, cadre: str, **state: Any) -> World:  # noqa: ANN401 - any field of a state
    piece = a_piece(UNDER_MANDATE, MANDATED)
    status = Status.A_ASSOCIER_MOE if role is Role.MOE else Status.A_ASSOCIER_MOA
    before = "A4" if role is Role.MOE else "A15"
    piece = replace(piece, draft=replace(piece.draft, cadre=before, lot="2"))
    published = a_state(piece, status, awaiting(a_turn(role, cadre)))
    return replace(
        MANDATED,
        mandates=(),
        following=FollowedPiece(piece, replace(published, mandant=MANDANT, **state)),
    )


def test_in_a_dossier_under_a_mandate_only_the_moa_needs_it() -> None:
    by_moe = next_piece()
    by_moa = next_piece(Role.MOA, MOA, cadre="A19")

    draft = accepted(by_moe, _following(Role.MOE, "A15"))
    assert (draft.mandant, draft.mandate, draft.lot) == (MANDANT, None, "2")
    assert broken(by_moa, _following(Role.MOA, "A19")) == [("CIR-MANDAT-01", "mandant")]
    allowed = replace(_following(Role.MOA, "A19"), mandates=(a_mandate(),))
    assert accepted(by_moa, allowed).mandate == JudgedBy("m-0", 2)


def test_a_next_piece_is_judged_by_the_marche_of_its_dossier() -> None:
    of_marche = a_mandate(contracts=frozenset({MARCHE}))
    world = replace(_following(Role.MOA, "A19", marche=MARCHE), mandates=(of_marche,))
    elsewhere = replace(_following(Role.MOA, "A19", marche="M-0"), mandates=(of_marche,))
    # What the piece itself states does not bring the dossier into the scope of the mandate.
    by_moa = next_piece(Role.MOA, MOA, cadre="A19", marche=MARCHE)

    assert broken(by_moa, world) == []
    assert broken(by_moa, elsewhere) == [("CIR-MANDAT-05", "mandant")]


def test_a_next_piece_may_repeat_the_mandant_and_the_lot_of_its_dossier_alone() -> None:
    def stating(mandant: str, lot: str) -> Proposal:
        proposal = next_piece()
        return replace(proposal, metadata=replace(proposal.metadata, mandant=mandant, lot=lot))

    world = _following(Role.MOE, "A15")
    assert broken(stating(MANDANT, "2"), world) == []
    assert broken(stating(COTRAITANT, "3"), world) == [
        ("DEP-META-10", "mandant"),
        ("DEP-META-11", "lot"),
    ]


def test_a_right_regularisation_goes_to_the_payer_of_the_mandate() -> None:
    draft = accepted(A1, A1_WORLD)

    assert draft.recipient.structure == PAYER
    assert draft.recipient.application is Application.FACTURES_RECUES
    assert (draft.settles, draft.mandate) == (("d-1",), JudgedBy("m-0", 2))
    assert dict(draft.parties.list_named()) == {
        Role.TITULAIRE: Party(MOA),
        Role.MOA: Party(MOA),
        Role.SERVICE_FINANCIER: Party(PAYER),
    }


def test_the_parties_of_a_regularisation_follow_from_its_mandate() -> None:
    unsaid = replace(A1, read=replace(A1.read, seller=FileParty(), buyer=FileParty()))

    assert accepted(unsaid, A1_WORLD).parties == accepted(A1, A1_WORLD).parties


def _a1(**changes: Any) -> Proposal:  # noqa: ANN401 - any field of the metadata
    return replace(A1, metadata=replace(A1.metadata, **changes))


@pytest.mark.parametrize(
    ("proposal", "world", "expected"),
    [
        (_a1(settles=()), A1_WORLD, [("DEP-REGUL-01", "settles")]),
        (
            replace(OPENING, metadata=replace(OPENING.metadata, settles=("d-1",))),
            A1_WORLD,
            [("DEP-REGUL-02", "settles")],
        ),
        (_a1(mandant=None), A1_WORLD, [("DEP-REGUL-03", "mandant")]),
        (_a1(mandant=MOA), A1_WORLD, [("DEP-REGUL-03", "mandant")]),
        (_a1(settles=("d-9",)), A1_WORLD, [("DEP-REGUL-04", "settles")]),
        (
            *settling(a_paid_dossier(parties=a_piece().draft.parties)),
            [("DEP-REGUL-07", "settles")],
        ),
        (*settling(a_paid_dossier(mandant=COTRAITANT)), [("DEP-REGUL-05", "settles")]),
        (*settling(a_paid_dossier(mandant=None)), [("DEP-REGUL-05", "settles")]),
        (
            *settling(a_paid_dossier(statuses={"p-1": Status.COMPTABILISEE})),
            [("DEP-REGUL-06", "settles")],
        ),
        (*settling(a_paid_dossier(currency="CHF")), [("DEP-REGUL-08", "settles")]),
        (*settling(a_paid_dossier(is_claimed=True)), [("DEP-REGUL-09", "settles")]),
        (*settling(a_paid_dossier(), **asking("120.01")), [("DEP-REGUL-10", "amounts.due")]),
        (*settling(a_paid_dossier(), **asking("0.00")), [("DEP-REGUL-11", "amounts.due")]),
        (*settling(a_paid_dossier(), **asking("-5.00")), [("DEP-REGUL-11", "amounts.due")]),
        (*settling(a_paid_dossier(), type_code="381"), [("DEP-REGUL-11", "amounts.due")]),
        (
            *settling(a_paid_dossier(), seller=FileParty(siret=TITULAIRE)),
            [("DEP-REGUL-12", "parties.titulaire.structure")],
        ),
        (
            replace(_a1(), read=replace(A1.read, buyer=FileParty(siret=MOE))),
            replace(A1_WORLD, mandates=(a_mandate(payer=MOE),)),
            [("CIR-STRUCTURE-03", "parties.service_financier.structure")],
        ),
        (
            A1,
            replace(A1_WORLD, mandates=(a_mandate(payer=COTRAITANT),)),
            [("DEP-REGUL-13", "parties.service_financier.structure")],
        ),
        (
            _a1(parties={Role.MOE: Party(MOE)}),
            A1_WORLD,
            [("DEP-REGUL-14", "parties.moe.structure")],
        ),
        (replace(A1, may_issue=False), A1_WORLD, [("DEP-REGUL-15", "cadre")]),
        (
            *settling(a_paid_dossier(marche="M-0")),
            [],
        ),
        (
            A1,
            replace(A1_WORLD, mandates=(a_mandate(valid_until=TODAY.replace(day=23)),)),
            [("CIR-MANDAT-03", "mandant")],
        ),
    ],
)
def test_a_regularisation_that_is_not_right_is_refused_by_field(
    proposal: Proposal, world: World, expected: list[tuple[str, str]]
) -> None:
    assert broken(proposal, world) == expected


def test_a_dossier_of_another_delegate_is_answered_like_none() -> None:
    other = replace(a_piece().draft.parties, moa=Party(COTRAITANT), service_financier=Party(MOA))
    proposal, world = settling(a_paid_dossier(parties=other))

    hidden = judge(proposal, world).violations
    absent = judge(proposal, replace(world, settled={})).violations

    assert hidden == absent
    assert [each.code for each in hidden] == ["DEP-REGUL-04"]


def test_who_is_limited_to_a_service_settles_the_dossiers_of_that_service() -> None:
    parties = a_paid_dossier().state.parties
    of_service = a_paid_dossier(parties=replace(parties, moa=Party(MOA, "TRAVAUX")))
    proposal, world = settling(of_service)
    named = replace(proposal.metadata, parties={Role.MOA: Party(MOA, "TRAVAUX")})
    limited = replace(proposal, service="TRAVAUX", metadata=named)
    elsewhere = replace(world, settled={"d-1": a_paid_dossier()})

    assert broken(limited, world) == []
    assert broken(limited, elsewhere) == [("DEP-REGUL-04", "settles")]


def test_a_dossier_outside_the_scope_of_the_mandate_is_not_settled_under_it() -> None:
    proposal, world = settling(a_paid_dossier(marche="M-0"))
    of_marche = replace(world, mandates=(a_mandate(contracts=frozenset({MARCHE})),))

    assert broken(proposal, of_marche) == [("CIR-MANDAT-05", "settles")]


def test_a_credit_note_is_taken_away_from_what_was_paid() -> None:
    paid = a_paid_dossier("d-1", "120.00"), a_paid_dossier("d-2", "20.00", type_code="381")

    assert broken(*settling(*paid, **asking("100.00"))) == []
    assert broken(*settling(*paid, **asking("100.01"))) == [("DEP-REGUL-10", "amounts.due")]


def test_a_credit_note_below_zero_asks_for_nothing_and_adds_nothing() -> None:
    paid = a_paid_dossier("d-1", "120.00"), a_paid_dossier("d-2", "-20.00", type_code="381")

    asked = settling(a_paid_dossier(), **asking("-5.00", type_code="381"))
    assert broken(*asked) == [("DEP-REGUL-11", "amounts.due")]
    assert broken(*settling(*paid, **asking("100.00"))) == []
    assert broken(*settling(*paid, **asking("100.01"))) == [("DEP-REGUL-10", "amounts.due")]


def test_several_dossiers_are_settled_up_to_their_sum() -> None:
    paid = a_paid_dossier("d-1", "120.00"), a_paid_dossier("d-2", "30.00")

    assert broken(*settling(*paid, **asking("150.00"))) == []
    assert broken(*settling(*paid, **asking("150.01"))) == [("DEP-REGUL-10", "amounts.due")]


def test_every_dossier_that_may_not_be_settled_is_named() -> None:
    proposal, world = settling(
        a_paid_dossier("d-1", is_claimed=True),
        a_paid_dossier("d-2", statuses={"p-1": Status.A_ASSOCIER_MOE}),
        a_paid_dossier("d-3"),
    )

    told = judge(proposal, world).violations

    assert [(each.code, each.message.split()[2]) for each in told] == [
        ("DEP-REGUL-09", "d-1"),
        ("DEP-REGUL-06", "d-2"),
    ]


def test_another_role_deposits_no_regularisation() -> None:
    metadata = replace(A1.metadata, parties={Role.MOA: Party(MOA)})
    by_titulaire = replace(A1, role=Role.TITULAIRE, structure=TITULAIRE, metadata=metadata)

    assert ("CIR-CADRE-04", "cadre") in broken(by_titulaire, A1_WORLD)


@pytest.mark.parametrize("role", [Role.TITULAIRE, Role.MOE, Role.SERVICE_FINANCIER])
def test_another_party_of_a_paid_dossier_is_told_nothing_of_its_payment(role: Role) -> None:
    metadata = replace(A1.metadata, parties={Role.MOA: Party(MOA)})
    by_other = replace(A1, role=role, structure=TITULAIRE, metadata=metadata)
    parties = replace(a_paid_dossier().state.parties, **{role.value: Party(TITULAIRE)})
    unpaid = a_paid_dossier(parties=parties, statuses={"p-1": Status.COMPTABILISEE})
    settled = a_paid_dossier(parties=parties, is_claimed=True)

    told = [
        judge(by_other, replace(A1_WORLD, settled=found)).violations
        for found in ({}, {"d-1": unpaid}, {"d-1": settled})
    ]

    assert ("CIR-CADRE-04", "cadre") in [(each.code, each.field) for each in told[0]]
    assert told[0] == told[1] == told[2]


def test_only_the_delegate_is_told_who_pays_by_its_mandate() -> None:
    other = replace(A1, structure=MOE, metadata=_a1(parties={Role.MOA: Party(MOA)}).metadata)
    told = judge(other, replace(A1_WORLD, mandates=(a_mandate(payer=COTRAITANT),))).violations

    assert not [each for each in told if COTRAITANT in each.message]


@pytest.mark.parametrize(
    "settles", [[], ["d-1", "d-1"], ["d"] * 51, [f"d-{rank}" for rank in range(51)], "d-1", [""]]
)
def test_settled_dossiers_are_one_to_fifty_without_a_duplicate(settles: object) -> None:
    found = read_metadata(json.dumps({"settles": settles}))

    assert isinstance(found, tuple)
    assert {each.field.partition(".")[0] for each in found} == {"settles"}


def test_fifty_settled_dossiers_are_read() -> None:
    found = read_metadata(json.dumps({"settles": [f"d-{rank}" for rank in range(50)]}))

    assert not isinstance(found, tuple)
    assert len(found.to_domain().settles) == 50
