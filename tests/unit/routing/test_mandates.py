"""A MOA that acts under a mandate: what routing refuses, holds, releases and leaves alone."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.routing.domain.commands import Complete, Correction, Rejudge
from services.routing.domain.decide import Decision, decide
from services.routing.domain.dossier import Dossier
from services.routing.domain.events import Forwarded, Held
from shared.circuit.mandates import Mandate
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter
from tests.unit.routing.builders import (
    A4,
    A15,
    A19,
    DIRECTORY,
    NOW,
    PARTIES,
    a_completion,
    a_deposit,
    a_directory,
    a_structure,
    a_treatment,
    codes,
    fold,
)

TODAY = date(2026, 11, 24)
MANDATE = Mandate(
    id="mandat",
    version=1,
    mandant="mandant",
    delegate="moa",
    payer="mandant",
    valid_from=TODAY,
    valid_until=TODAY,
    contracts=frozenset({"M-1"}),
)
UNDER = replace(PARTIES, service_financier=Party("moa"))
DELEGATED: dict[str, Any] = {"mandant": "mandant", "marche": "M-1", "parties": UNDER}
D4, D15, D19 = (replace(each, **DELEGATED) for each in (A4, A15, A19))
CLOSED = replace(MANDATE, closed_on=TODAY)


def _decide(
    dossier: Dossier | None, command: object, *mandates: Mandate, later: int = 0
) -> Decision:
    now = NOW + timedelta(days=later)
    return decide(dossier, command, DIRECTORY, now, mandates=mandates)  # type: ignore[arg-type]


def _after(*commands: object, dossier: Dossier | None = None) -> Dossier:
    for command in commands:
        decision = _decide(dossier, command, MANDATE)
        assert decision.violations == ()
        dossier = fold(dossier, decision.events)
    assert dossier is not None
    return dossier


def test_a_dossier_keeps_the_mandant_and_the_marche_of_its_opening() -> None:
    opened = _after(D4, replace(D15, marche="M-2", mandant=None))

    assert (opened.mandant, opened.marche) == ("mandant", "M-1")


@pytest.mark.parametrize(
    ("mandates", "later", "code"),
    [
        ((MANDATE,), 0, None),
        ((MANDATE,), 1, "CIR-MANDAT-03"),
        ((CLOSED,), 0, "CIR-MANDAT-04"),
        ((replace(MANDATE, valid_from=TODAY + timedelta(1)),), 0, "CIR-MANDAT-02"),
        ((replace(MANDATE, contracts=frozenset({"M-2"})),), 0, "CIR-MANDAT-05"),
        ((replace(MANDATE, contracts=None),), 0, None),
        ((replace(MANDATE, delegate="autre"),), 0, "CIR-MANDAT-01"),
        ((), 0, "CIR-MANDAT-01"),
    ],
)
def test_each_treatment_of_a_delegate_needs_its_mandate_on_the_day(
    mandates: tuple[Mandate, ...], later: int, code: str | None
) -> None:
    waiting = _after(D4, D15)

    for act in (Act.PRENDRE_EN_COMPTE, Act.SUSPENDRE, Act.REFUSER, Act.DEMANDER_RECYCLAGE):
        decision = _decide(waiting, a_treatment("A15", act, Role.MOA), *mandates, later=later)
        if code is None and act is not Act.REFUSER:
            assert codes(decision) == []
        elif code is not None:
            assert codes(decision) == [code]
            assert decision.violations[0].field == "mandant"
            assert decision.events == ()


def test_whose_turn_it_is_is_told_before_the_mandate() -> None:
    early = _decide(_after(D4), a_treatment("A4", Act.SUSPENDRE, Role.MOA))

    assert codes(early) == ["CIR-TOUR-03"]


def test_the_others_go_on_when_the_mandate_has_ended() -> None:
    at_the_moe = _after(D4)
    paying = _after(D4, D15, D19)

    by_the_moe = _decide(at_the_moe, a_treatment("A4", Act.SUSPENDRE, Role.MOE), later=9)
    by_the_payer = a_treatment("A19", Act.SERVICE_FAIT, Role.SERVICE_FINANCIER)
    payer_acts = replace(by_the_payer, actor=replace(by_the_payer.actor, structure="moa"))

    assert codes(by_the_moe) == codes(_decide(paying, payer_acts, later=9)) == []


def test_what_deposit_has_certified_is_never_rejected_for_a_mandate() -> None:
    waiting = _after(D4, D15)

    forwarded = _decide(waiting, D19, CLOSED)

    assert codes(forwarded) == []
    after = fold(waiting, forwarded.events)
    assert after is not None
    assert after["A19"].status is Status.MISE_A_DISPOSITION


def test_a_completion_by_the_delegate_that_has_a_certificate_is_taken() -> None:
    paying = _after(D4, D15, D19)
    suspend = a_treatment("A19", Act.SUSPENDRE, Role.SERVICE_FINANCIER)
    suspended = _after(
        replace(suspend, actor=replace(suspend.actor, structure="moa")), dossier=paying
    )
    completion: Complete = a_completion("A19", Role.MOA)

    assert codes(_decide(suspended, completion, CLOSED)) == []


def test_a_hop_to_a_delegate_without_mandate_is_held_by_the_mandant() -> None:
    at_the_moe = _after(D4)

    decision = _decide(at_the_moe, D15, CLOSED)

    held = decision.events[-1]
    assert isinstance(held, Held)
    assert (held.reason, held.structure, held.to.role) == ("CIR-MANDAT-04", "mandant", Role.MOA)
    assert "a été clos le 24/11/2026" in held.message


def test_an_opener_that_goes_to_the_delegate_is_held_too() -> None:
    opener = a_deposit("A5", **DELEGATED)

    held = _decide(None, opener, later=1).events[-1]

    assert isinstance(held, Held)
    assert held.reason == "CIR-MANDAT-01"


def test_a_held_hop_is_released_by_another_mandate_or_by_the_day_on_which_one_begins() -> None:
    held = fold(_after(D4), _decide(_after(D4), D15, CLOSED).events)
    assert held is not None
    tomorrow = replace(
        MANDATE, id="autre", valid_from=TODAY + timedelta(1), valid_until=TODAY.replace(day=30)
    )

    still = _decide(held, Rejudge(), CLOSED)
    told = _decide(held, Rejudge(), CLOSED, tomorrow)
    begun = _decide(held, Rejudge(), CLOSED, tomorrow, later=1)

    assert still.events == ()
    assert [each.reason for each in told.events if isinstance(each, Held)] == ["CIR-MANDAT-02"]
    released = [each for each in begun.events if isinstance(each, Forwarded)]
    assert [each.to.role for each in released] == [Role.MOA]


def test_a_moa_that_acts_for_itself_needs_no_mandate() -> None:
    own = _after(replace(A4, mandant="moa"), A15)

    assert codes(_decide(own, a_treatment("A15", Act.SUSPENDRE, Role.MOA))) == []


DELEGATES = a_directory(a_structure("autre"), a_structure("mandant"))
ANOTHER = Party("autre")


@pytest.mark.parametrize(
    ("correction", "mandates", "expected"),
    [
        ({Role.MOA: ANOTHER, Role.SERVICE_FINANCIER: ANOTHER}, (MANDATE,), ["CIR-MANDAT-01"]),
        (
            {Role.MOA: ANOTHER, Role.SERVICE_FINANCIER: ANOTHER},
            (MANDATE, replace(MANDATE, id="m2", delegate="autre")),
            [],
        ),
        ({Role.MOA: ANOTHER}, (replace(MANDATE, delegate="autre"),), ["CIR-MANDAT-06"]),
        ({Role.MOA: Party("mandant")}, (), []),
        ({Role.SERVICE_FINANCIER: Party("payeur")}, (MANDATE,), ["CIR-MANDAT-06"]),
        ({Role.MOE: Party("moe", "TRVX")}, (), []),
    ],
)
def test_a_recycling_that_corrects_the_moa_is_judged_by_its_mandate(
    correction: dict[Role, Party], mandates: tuple[Mandate, ...], expected: list[str]
) -> None:
    waiting = _after(D4, a_treatment("A4", Act.DEMANDER_RECYCLAGE, Role.MOE))
    recycle = a_treatment("A4", Act.RECYCLER, Role.TITULAIRE, correction=Correction(correction))

    decision = decide(waiting, recycle, DELEGATES, NOW, mandates=mandates)

    assert codes(decision) == expected


def test_the_payer_of_a_facture_de_regularisation_stays_that_of_the_mandate() -> None:
    parties = replace(
        PARTIES,
        titulaire=Party("moa"),
        moe=None,
        cotraitant=None,
        sous_traitant=None,
        service_financier=Party("mandant"),
    )
    a1 = a_deposit(
        "A1",
        mandant="mandant",
        marche="M-1",
        parties=parties,
        depositor=a_treatment("A1", Act.RECYCLER, Role.MOA).actor,
        settles=("D-1",),
        table_version="2026-3",
    )
    payer = a_treatment("A1", Act.DEMANDER_RECYCLAGE, Role.SERVICE_FINANCIER)
    payer = replace(payer, actor=replace(payer.actor, structure="mandant"))
    directory = a_directory(
        a_structure("mandant", MoaParameter.AVEC), a_structure("autre", MoaParameter.SANS)
    )
    opened = fold(None, decide(None, a1, directory, NOW, mandates=(MANDATE,)).events)
    waiting = fold(opened, decide(opened, payer, directory, NOW, mandates=(MANDATE,)).events)

    def recycle(corrected: Party) -> list[str]:
        correction = Correction({Role.SERVICE_FINANCIER: corrected})
        act = a_treatment("A1", Act.RECYCLER, Role.MOA, correction=correction)
        return codes(decide(waiting, act, directory, NOW, mandates=(MANDATE,)))

    assert recycle(Party("autre")) == ["ROU-RECYCLAGE-01"]
    assert recycle(Party("mandant", "TRVX")) == []
