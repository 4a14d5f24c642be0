"""An opener against the sheet of its marché, and the opener that a sheet prefills."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.judgement import World, judge
from services.deposit.domain.openings import Opening, may_read, prefill_opening
from services.deposit.domain.piece import JudgedBy
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.sheets import find_sheet_key
from shared.circuit.loader import load_version
from shared.circuit.parties import Parties, Party
from shared.circuit.sheets import Sheet, SheetActor, SheetField, SheetRole
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from tests.unit.deposit.builders import (
    COTRAITANT,
    MOA,
    MOE,
    OPENING,
    PARTIES,
    PAYER,
    READ,
    SOUS_TRAITANT,
    TITULAIRE,
    TODAY,
    WORLD,
    accepted,
    broken,
)
from tests.unit.deposit.settled import A1, A1_WORLD, MANDANT, MARCHE, a_mandate

DAY = timedelta(days=1)
OTHER = COTRAITANT


def an_actor(role: SheetRole, structure: str, **more: Any) -> SheetActor:  # noqa: ANN401 - any field of an actor
    return SheetActor(role, structure, **more)


SHEET = Sheet(
    id="f-1",
    version=3,
    moa=MOA,
    number=MARCHE,
    actors=(
        an_actor(SheetRole.TITULAIRE, TITULAIRE),
        an_actor(SheetRole.MOE, MOE),
        an_actor(SheetRole.SERVICE_FINANCIER, PAYER),
    ),
    lots={"1": "Gros œuvre", "2": "Étanchéité"},
    delays={"etat_acompte": 10},
)
OF_MARCHE = replace(OPENING, read=replace(READ, marche=MARCHE))


def by_sheet(*actors: SheetActor, **changes: Any) -> World:  # noqa: ANN401 - any field of a sheet
    """Give the world in which a sheet has these actors."""
    named = actors or SHEET.actors
    return replace(WORLD, sheet=replace(SHEET, actors=named, **changes))


def stating(**metadata: Any) -> Proposal:  # noqa: ANN401 - any field of the metadata
    return replace(OF_MARCHE, metadata=replace(OF_MARCHE.metadata, **metadata))


def naming(parties: Mapping[Role, Party]) -> Proposal:
    return stating(parties={**OF_MARCHE.metadata.parties, **parties})


def test_an_opener_that_agrees_keeps_the_sheet_its_lot_and_its_delays() -> None:
    draft = accepted(stating(lot="2"), by_sheet())

    assert (draft.sheet, draft.lot) == (JudgedBy("f-1", 3), "2")
    assert draft.delays == {"etat_acompte": 10}


def test_a_wrong_moe_is_refused_by_field_and_the_right_one_is_named() -> None:
    wrong = judge(OF_MARCHE, by_sheet(an_actor(SheetRole.MOE, OTHER))).violations

    assert [(each.code, each.field) for each in wrong] == [
        ("DEP-FICHE-01", "parties.moe.structure")
    ]
    assert OTHER in wrong[0].message
    assert MOA in wrong[0].remedy


@pytest.mark.parametrize(
    ("actors", "expected"),
    [
        (
            (an_actor(SheetRole.TITULAIRE, OTHER),),
            [("DEP-FICHE-01", "parties.titulaire.structure")],
        ),
        (
            (an_actor(SheetRole.SERVICE_FINANCIER, MOA),),
            [("DEP-FICHE-01", "parties.service_financier.structure")],
        ),
        (
            (an_actor(SheetRole.MOE, OTHER), an_actor(SheetRole.TITULAIRE, OTHER)),
            [
                ("DEP-FICHE-01", "parties.titulaire.structure"),
                ("DEP-FICHE-01", "parties.moe.structure"),
            ],
        ),
        # One of several is enough, and a role that the sheet does not name is free.
        ((an_actor(SheetRole.MOE, OTHER), an_actor(SheetRole.MOE, MOE)), []),
        ((an_actor(SheetRole.COTRAITANT, OTHER),), []),
        # Its validity, both ends included.
        ((an_actor(SheetRole.MOE, MOE, valid_from=TODAY, valid_until=TODAY),), []),
        (
            (an_actor(SheetRole.MOE, MOE, valid_until=TODAY - DAY),),
            [("DEP-FICHE-02", "parties.moe.structure")],
        ),
        (
            (an_actor(SheetRole.MOE, MOE, valid_from=TODAY + DAY),),
            [("DEP-FICHE-02", "parties.moe.structure")],
        ),
        (
            (
                an_actor(SheetRole.MOE, MOE, valid_until=TODAY - DAY),
                an_actor(SheetRole.MOE, OTHER, valid_from=TODAY),
            ),
            [("DEP-FICHE-02", "parties.moe.structure")],
        ),
        (
            (
                an_actor(SheetRole.MOE, MOE, valid_until=TODAY - 2 * DAY),
                an_actor(SheetRole.MOE, MOE, valid_from=TODAY - DAY),
            ),
            [],
        ),
        # The delegate is only checked under a mandate.
        ((an_actor(SheetRole.MOA_DELEGUEE, OTHER),), []),
    ],
)
def test_each_party_is_an_actor_of_the_sheet_today(
    actors: tuple[SheetActor, ...], expected: list[tuple[str, str]]
) -> None:
    assert broken(OF_MARCHE, by_sheet(*actors)) == expected


def test_an_actor_that_is_not_valid_is_told_its_days() -> None:
    world = by_sheet(
        an_actor(SheetRole.MOE, MOE, valid_from=TODAY - 9 * DAY, valid_until=TODAY - DAY)
    )

    (told,) = judge(OF_MARCHE, world).violations
    assert f"{MOE} pour la maîtrise d'œuvre du 15/11/2026 au 23/11/2026" in told.message


@pytest.mark.parametrize(
    ("days", "period"),
    [
        ({"valid_until": TODAY - DAY}, "jusqu'au 23/11/2026, et"),
        ({"valid_from": TODAY + DAY}, "à partir du 25/11/2026, et"),
    ],
)
def test_a_validity_with_one_end_is_told(days: dict[str, Any], period: str) -> None:
    world = by_sheet(SheetActor(SheetRole.MOE, MOE, **days))

    (told,) = judge(OF_MARCHE, world).violations
    assert period in told.message


def test_a_lot_has_its_own_actors() -> None:
    world = by_sheet(an_actor(SheetRole.MOE, MOE, lot="1"), an_actor(SheetRole.MOE, OTHER, lot="2"))

    assert broken(stating(lot="1"), world) == []
    assert broken(stating(lot="2"), world) == [("DEP-FICHE-01", "parties.moe.structure")]
    assert broken(OF_MARCHE, world) == []


def test_an_unknown_lot_is_refused_with_those_that_exist() -> None:
    (told,) = judge(stating(lot="9"), by_sheet()).violations

    assert (told.code, told.field) == ("DEP-FICHE-03", "lot")
    assert "1, 2" in told.message


@pytest.mark.parametrize("field", SheetField)
def test_a_field_that_the_sheet_requires_is_asked_for(field: SheetField) -> None:
    assert broken(OF_MARCHE, by_sheet(required=(field,))) == [("DEP-FICHE-04", field.value)]


@pytest.mark.parametrize(
    ("field", "proposal"),
    [
        (SheetField.LOT, stating(lot="1")),
        (SheetField.COMMENT, stating(comment="Avenant 2")),
        (SheetField.ENGAGEMENT, replace(OF_MARCHE, read=replace(OF_MARCHE.read, engagement="E"))),
        (SheetField.MOE_SERVICE, naming({Role.MOE: Party(MOE, "TRAVAUX")})),
        (SheetField.MOA_SERVICE, naming({Role.MOA: Party(MOA, "TRAVAUX")})),
        (
            SheetField.SERVICE_FINANCIER_SERVICE,
            naming({Role.SERVICE_FINANCIER: Party(PAYER, "TRAVAUX")}),
        ),
    ],
)
def test_a_field_that_the_sheet_requires_and_is_given_is_enough(
    field: SheetField, proposal: Proposal
) -> None:
    assert broken(proposal, by_sheet(required=(field,))) == []


def test_the_service_of_a_party_that_takes_no_part_is_not_required() -> None:
    alone = replace(
        OF_MARCHE,
        metadata=replace(OF_MARCHE.metadata, parties={Role.MOA: Party(MOA)}),
        read=replace(OF_MARCHE.read, cadre="A5"),
    )

    assert broken(alone, by_sheet(required=(SheetField.MOE_SERVICE,))) == []


def test_a_service_is_that_of_the_sheet_or_none() -> None:
    named = naming({Role.MOE: Party(MOE, "TRAVAUX")})
    of_service = by_sheet(an_actor(SheetRole.MOE, MOE, service="AUTRE"))

    assert broken(named, of_service) == [("DEP-FICHE-05", "parties.moe.service")]
    assert broken(OF_MARCHE, of_service) == []
    for service in ("TRAVAUX", None):
        assert broken(named, by_sheet(an_actor(SheetRole.MOE, MOE, service=service))) == []


def test_under_a_mandate_the_delegate_is_checked_and_the_payer_is_not() -> None:
    delegated = replace(
        OF_MARCHE,
        metadata=replace(OF_MARCHE.metadata, mandant=MANDANT),
        read=replace(OF_MARCHE.read, buyer=FileParty(siret=MOA)),
    )

    def world(*actors: SheetActor) -> World:
        return replace(by_sheet(*actors), mandates=(a_mandate(),), circuit=load_version("2026-3"))

    delegate, other = (an_actor(SheetRole.MOA_DELEGUEE, each) for each in (MOA, OTHER))
    payer = an_actor(SheetRole.SERVICE_FINANCIER, PAYER)
    assert broken(delegated, world(payer)) == []
    assert broken(delegated, world(delegate, other)) == []
    assert broken(delegated, world(other)) == [("DEP-FICHE-01", "parties.moa.structure")]


def test_of_a_regularisation_the_delegate_alone_is_checked() -> None:
    def world(*actors: SheetActor) -> World:
        return replace(A1_WORLD, sheet=replace(SHEET, actors=actors))

    titulaire = an_actor(SheetRole.TITULAIRE, TITULAIRE)
    draft = accepted(A1, world(titulaire, an_actor(SheetRole.SERVICE_FINANCIER, MOA)))
    assert (draft.sheet, draft.delays) == (JudgedBy("f-1", 3), {})
    assert broken(A1, world(an_actor(SheetRole.MOA_DELEGUEE, OTHER))) == [
        ("DEP-FICHE-01", "parties.moa.structure")
    ]


def test_a_regularisation_of_several_lots_is_not_asked_for_one() -> None:
    required = (SheetField.LOT, SheetField.ENGAGEMENT)
    world = replace(A1_WORLD, sheet=replace(SHEET, actors=(), required=required))

    assert broken(A1, world) == [("DEP-FICHE-04", "engagement")]


@pytest.mark.parametrize(
    ("proposal", "parties", "level", "key"),
    [
        (OF_MARCHE, PARTIES, 2, (MOA, MARCHE)),
        (stating(mandant=MANDANT), PARTIES, 2, (MANDANT, MARCHE)),
        (stating(mandant=MOA), PARTIES, 2, (MOA, MARCHE)),
        (OF_MARCHE, PARTIES, 1, None),
        (OPENING, PARTIES, 2, None),
        (OF_MARCHE, replace(PARTIES, moa=None), 2, None),
        (replace(OF_MARCHE, read=replace(READ, marche="  ")), PARTIES, 2, None),
    ],
)
def test_the_sheet_of_an_opener_is_that_of_the_moa_or_of_the_mandant(
    proposal: Proposal, parties: Parties, level: int, key: tuple[str, str] | None
) -> None:
    assert find_sheet_key(proposal, parties, level) == key


def opening(role: Role, structure: str, sheet: Sheet = SHEET, **more: Any) -> Opening:  # noqa: ANN401 - any choice
    chosen = {"moa": MOA, "mandant": None, "lot": None, "today": TODAY, **more}
    return prefill_opening(load_version("2026-3"), sheet, Actor(role, structure), **chosen)


def test_an_opener_is_prefilled_with_the_parties_of_the_sheet() -> None:
    found = opening(Role.TITULAIRE, TITULAIRE)

    assert found.parties == {
        Role.TITULAIRE: Party(TITULAIRE),
        Role.MOE: Party(MOE),
        Role.MOA: Party(MOA),
        Role.SERVICE_FINANCIER: Party(PAYER),
    }
    assert [row.cadre for row in found.rows] == ["A4", "A5", "A7"]


@pytest.mark.parametrize(
    ("role", "structure", "cadres"),
    [
        (Role.MOE, MOE, ["A15", "A17"]),
        (Role.MOA, MOA, ["A19", "A20"]),
        (Role.SERVICE_FINANCIER, PAYER, []),
        # Who has another role there opens nothing by this one.
        (Role.MOE, TITULAIRE, []),
        (Role.MOA, TITULAIRE, []),
    ],
)
def test_who_takes_part_is_told_the_cadres_of_its_role(
    role: Role, structure: str, cadres: list[str]
) -> None:
    assert [row.cadre for row in opening(role, structure).rows] == cadres


def test_where_the_sheet_leaves_a_choice_nobody_is_prefilled() -> None:
    actors = (
        an_actor(SheetRole.MOE, MOE, lot="1"),
        an_actor(SheetRole.MOE, OTHER, lot="2"),
        an_actor(SheetRole.SOUS_TRAITANT, SOUS_TRAITANT, valid_until=TODAY - DAY),
    )
    sheet = replace(SHEET, actors=actors)

    assert opening(Role.MOA, MOA, sheet).parties == {Role.MOA: Party(MOA)}
    assert opening(Role.MOA, MOA, sheet, lot="2").parties == {
        Role.MOA: Party(MOA),
        Role.MOE: Party(OTHER),
    }


def test_under_a_mandate_the_delegate_is_prefilled_as_its_own_payer() -> None:
    found = opening(Role.MOA, MOA, mandant=MANDANT)

    assert found.parties[Role.SERVICE_FINANCIER] == Party(MOA)
    assert found.mandant == MANDANT


def test_a_sheet_is_read_by_its_structure_its_delegate_and_its_actors_of_the_day() -> None:
    gone = replace(SHEET, actors=(an_actor(SheetRole.MOE, MOE, valid_until=TODAY - DAY),))

    assert may_read(SHEET, MOA, TODAY, is_moa=False)
    assert may_read(SHEET, TITULAIRE, TODAY, is_moa=False)
    assert may_read(SHEET, OTHER, TODAY, is_moa=True)
    assert not may_read(SHEET, OTHER, TODAY, is_moa=False)
    assert not may_read(gone, MOE, TODAY, is_moa=False)
