"""The rules of a piece that follows another, of a completion, and what is prefilled."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.deposit.domain.additions import judge_added, judge_turn_to_add
from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.judgement import judge
from services.deposit.domain.metadata import EMPTY_INVOICE
from services.deposit.domain.next_pieces import FollowedPiece
from services.deposit.domain.piece import Completion, Piece
from services.deposit.domain.prefill import list_options
from services.deposit.domain.proposal import Proposal
from services.deposit.domain.rules import FOLLOWED_UNKNOWN
from services.deposit.domain.turns import DossierState
from shared.circuit import statuses
from shared.circuit.loader import load_current, load_version
from shared.circuit.parties import Party
from shared.circuit.statuses import Act
from shared.vocabulary.attachments import Attached, StoredFile
from shared.vocabulary.levels import LEVEL
from shared.vocabulary.roles import Application, Role
from shared.vocabulary.statuses import Status
from shared.vocabulary.structures import MoaParameter, StructureStatus
from tests.unit.deposit.builders import (
    COTRAITANT,
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
    a_turn,
    accepted,
    after,
    awaiting,
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
    lost = replace(WORLD, misled=(FOLLOWED_UNKNOWN.build_violation("follows", wanted="X"),))

    assert broken(next_piece(), lost) == [("DEP-SUITE-01", "follows")]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (replace(STATE, awaited=None), "CIR-TOUR-01"),
        (
            replace(STATE, awaited=awaiting(a_turn(Role.MOA), piece_id="piece-2")),
            "CIR-TOUR-02",
        ),
        (replace(STATE, awaited=awaiting(a_turn(Role.MOA))), "CIR-TOUR-03"),
        (
            replace(STATE, awaited=awaiting(a_turn(Role.MOE, "A15"), held="CIR-MOA-01")),
            "CIR-TOUR-04",
        ),
        (a_state(PIECE, Status.SUSPENDUE), "CIR-TOUR-05"),
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
    awaited = awaiting(a_turn(Role.MOA, "A20"))
    contested = after(general, a_state(general, Status.CONTESTEE, awaited))

    assert broken(next_piece(Role.MOA, MOA, cadre="A20"), contested) == []
    assert broken(next_piece(Role.MOA, MOA, cadre="A8"), contested) == [
        ("CIR-CADRE-04", "cadre"),
        ("CIR-CADRE-03", "cadre"),
    ]


def test_a_next_piece_may_name_a_service_and_not_another_structure() -> None:
    proposal = next_piece()
    served = replace(
        proposal, metadata=replace(proposal.metadata, parties={Role.MOA: Party("", "TRAVAUX")})
    )
    moved = replace(proposal, metadata=replace(proposal.metadata, parties={Role.MOA: Party(PAYER)}))

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


GENERAL = replace(PIECE, draft=replace(PIECE.draft, cadre="A20", depositor_role=Role.MOA))
NOTIFIED = a_state(GENERAL, Status.A_ASSOCIER_FOURNISSEUR, awaiting(a_turn(Role.TITULAIRE, "A8")))
SIGNING = after(GENERAL, NOTIFIED)


def a_signature(**fields: Any) -> Proposal:  # noqa: ANN401 - any field of an e-invoice
    return next_piece(Role.TITULAIRE, TITULAIRE, cadre="A8", number="DGS-1", **fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"due": Decimal("20.00")}, []),
        ({"due": Decimal(0)}, []),
        (
            {"ht": Decimal("99.00"), "ttc": Decimal("119.00"), "due": Decimal("119.00")},
            ["ht", "ttc"],
        ),
        ({"ht": Decimal("90.00"), "tva": Decimal("30.00")}, ["ht", "tva"]),
        (
            {
                "ht": Decimal("1000.00"),
                "tva": Decimal("200.00"),
                "ttc": Decimal("1200.00"),
                "due": Decimal("1200.00"),
            },
            ["ht", "tva", "ttc", "due"],
        ),
    ],
)
def test_a_signature_carries_the_amounts_of_the_decompte_that_it_signs(
    fields: dict[str, Decimal], expected: list[str]
) -> None:
    names = [("CIR-MONTANT-01", f"amounts.{name}") for name in expected]

    assert broken(a_signature(**fields), SIGNING) == names


def test_less_that_is_due_is_told_beside_the_decompte_that_is_signed() -> None:
    (change,) = accepted(a_signature(due=Decimal("20.00")), SIGNING).changes

    assert (change.field, change.previous, change.now) == (
        "due",
        Decimal("120.00"),
        Decimal("20.00"),
    )


def test_what_is_left_to_pay_of_a_decompte_is_all_that_its_signature_may_ask() -> None:
    amounts = replace(GENERAL.draft.amounts, due=Decimal("12.00"))
    settled = replace(GENERAL, draft=replace(GENERAL.draft, amounts=amounts))
    signing = after(settled, NOTIFIED)

    assert broken(a_signature(), signing) == [("CIR-MONTANT-01", "amounts.due")]
    assert broken(a_signature(due=Decimal("12.00")), signing) == []


def test_a_signature_is_an_avoir_where_the_decompte_is_one() -> None:
    avoir = replace(GENERAL, draft=replace(GENERAL.draft, type_code="381"))
    signing = after(avoir, NOTIFIED)

    assert accepted(a_signature(), signing).type_code == "381"
    assert broken(a_signature(type_code="380"), signing) == [("CIR-MONTANT-03", "type_code")]
    assert broken(a_signature(type_code="381"), signing) == []
    assert broken(a_signature(type_code="381"), SIGNING) == [("CIR-MONTANT-03", "type_code")]
    assert broken(a_signature(type_code="384"), SIGNING) == []


def test_a_signature_in_another_currency_is_refused() -> None:
    assert broken(a_signature(currency="USD"), SIGNING) == [("DEP-SUITE-04", "currency")]


def test_a_total_that_is_missing_is_asked_for_beside_those_that_differ() -> None:
    proposal = a_signature(ht=Decimal("90.00"), tva=None, due=None)

    assert broken(proposal, SIGNING) == [
        ("DEP-INV-01", "amounts.due"),
        ("DEP-INV-01", "amounts.tva"),
        ("CIR-MONTANT-01", "amounts.ht"),
    ]


def test_an_e_invoice_signs_by_the_amounts_in_its_file() -> None:
    read = replace(READ, number="DGS-1", cadre="A8", ttc=Decimal("118800.00"))
    read = replace(read, ht=Decimal("99000.00"), tva=Decimal("19800.00"), due=Decimal("118800.00"))
    proposal = replace(
        a_signature(), read=read, metadata=replace(a_signature().metadata, fields=EMPTY_INVOICE)
    )

    assert [field for code, field in broken(proposal, SIGNING) if code == "CIR-MONTANT-01"] == [
        "amounts.ht",
        "amounts.tva",
        "amounts.ttc",
        "amounts.due",
    ]


def test_a_dossier_keeps_its_currency() -> None:
    assert broken(next_piece(currency="USD"), AFTER) == [("DEP-SUITE-04", "currency")]


def test_the_piece_that_a_file_cites_is_the_one_that_is_followed() -> None:
    proposal = replace(next_piece(), read=replace(READ, number="EA-1", cadre="A15"))
    cites = replace(proposal, read=replace(proposal.read, preceding_numbers=("sit-1",)))
    differs = replace(proposal, read=replace(proposal.read, preceding_numbers=("SIT-9",)))

    assert cites.cited_number == "sit-1"
    assert broken(cites, AFTER) == []
    assert broken(differs, AFTER) == [("DEP-META-01", "follows")]


@pytest.mark.parametrize(
    ("cited", "number"), [((), None), (("F-1",), "F-1"), (("F-1", "F-2"), None)]
)
def test_one_number_cited_is_the_one_that_may_be_followed(
    cited: tuple[str, ...], number: str | None
) -> None:
    assert reading(preceding_numbers=cited).cited_number == number
    assert broken(reading(preceding_numbers=cited)) == []


@pytest.mark.parametrize(
    ("cadre", "may_open"),
    [("A4", True), ("A15", True), ("A18", True), ("A8", False), ("A22", False), ("A99", False)],
)
def test_which_cadres_may_open_is_asked_of_both_circuits(cadre: str, may_open: bool) -> None:
    assert reading(cadre=cadre).may_open(load_current()) is may_open
    assert not reading(cadre="A15").may_open(load_version("2026-1"))
    assert not reading(cadre=None).may_open(load_current())


def test_the_prefill_names_cadre_recipient_and_required_fields() -> None:
    directory = {**DIRECTORY, MOA: a_structure(MOA, engagement_ou_service=True)}

    (option,) = list_options(load_current(), FollowedPiece(PIECE, STATE), Role.MOE, directory)

    assert (option.cadre, option.recipient.structure) == ("A15", MOA)
    assert option.recipient.application is Application.FACTURES_DE_TRAVAUX
    assert option.required == ("parties.moa.service|engagement",)


def asked(
    piece: Piece,
    state: DossierState | None,
    role: Role = Role.TITULAIRE,
    structure: str = TITULAIRE,
    act: Act = Act.COMPLETER,
) -> list[str]:
    """Ask whether something may be added to a piece, and give the codes of what forbids it."""
    row = load_current()[piece.draft.cadre, True]
    return [each.code for each in judge_turn_to_add(piece, row, state, role, structure, act, LEVEL)]


SUSPENDED = a_state(PIECE, Status.SUSPENDUE, awaiting(a_turn(Role.TITULAIRE)))


def test_only_the_depositor_of_a_suspended_piece_completes_it() -> None:
    assert asked(PIECE, SUSPENDED) == []
    assert asked(PIECE, SUSPENDED, Role.MOE, MOE) == ["CIR-TOUR-03"]
    assert asked(PIECE, SUSPENDED, structure=COTRAITANT) == ["CIR-TOUR-03"]
    assert asked(PIECE, STATE) == ["CIR-TOUR-03"]
    assert asked(PIECE, None) == ["DEP-SUITE-03"]


def test_an_act_of_a_higher_level_is_accepted_in_a_dossier_of_that_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = (Act.COMPLETER, Role.TITULAIRE, Status.SUSPENDUE)
    row = statuses._BY_KEY[key]  # noqa: SLF001
    monkeypatch.setitem(statuses._BY_KEY, key, replace(row, level=LEVEL + 1))  # noqa: SLF001

    assert asked(PIECE, SUSPENDED) == ["CIR-TOUR-05"]
    assert asked(PIECE, replace(SUSPENDED, level=LEVEL + 1)) == []


@pytest.mark.parametrize(
    ("role", "structure", "act", "is_early"),
    [
        (Role.TITULAIRE, TITULAIRE, Act.COMPLETER, True),
        (Role.MOE, MOE, Act.COMPLETER, False),
        (Role.TITULAIRE, TITULAIRE, Act.CONTESTER, False),
        (Role.MOE, MOE, Act.CONTESTER, False),
    ],
)
def test_an_addition_that_is_never_the_role_s_is_not_early(
    role: Role, structure: str, act: Act, *, is_early: bool
) -> None:
    row = load_current()["A4", True]

    (refused,) = judge_turn_to_add(PIECE, row, STATE, role, structure, act, LEVEL)

    assert refused.can_be_early is is_early


@pytest.mark.parametrize(
    ("role", "said", "is_early"),
    [
        (Role.SERVICE_FINANCIER, COTRAITANT, True),
        (Role.MOA, PAYER, True),
        (Role.TITULAIRE, COTRAITANT, False),
        (Role.COTRAITANT, COTRAITANT, False),
    ],
)
def test_a_party_that_a_recycling_may_have_corrected_is_refused_early(
    role: Role, said: str, *, is_early: bool
) -> None:
    proposal = next_piece()
    moved = replace(proposal, metadata=replace(proposal.metadata, parties={role: Party(said)}))

    (refused,) = judge(moved, AFTER).violations

    assert (refused.code, refused.can_be_early) == ("DEP-META-03", is_early)


@pytest.mark.parametrize(
    ("said", "is_early"),
    [
        ({"buyer": FileParty(siret=COTRAITANT)}, True),
        ({"seller": FileParty(siret=COTRAITANT)}, False),
    ],
)
def test_a_file_that_names_who_a_recycling_may_have_corrected_is_refused_early(
    said: dict[str, Any], *, is_early: bool
) -> None:
    proposal = next_piece()
    read = replace(proposal.read, **said)

    refused = judge(replace(proposal, read=read), AFTER).violations

    assert [(each.code, each.can_be_early) for each in refused] == [("DEP-META-02", is_early)]


def test_a_suspension_is_answered_once() -> None:
    completion = Completion((), "voici", NOW, "2" * 64, SUSPENDED.version)
    answered = replace(PIECE, completions=(completion,))
    suspended_again = replace(SUSPENDED, version=SUSPENDED.version + 1)

    assert asked(answered, SUSPENDED) == ["DEP-COMPL-01"]
    assert asked(answered, suspended_again) == []


def test_only_a_decompte_general_before_its_titulaire_is_contested() -> None:
    general = replace(PIECE, draft=replace(PIECE.draft, cadre="A20", depositor_role=Role.MOA))
    before = awaiting(a_turn(Role.TITULAIRE, "A8"))
    state = a_state(general, Status.A_ASSOCIER_FOURNISSEUR, before)
    contested = replace(state, statuses={general.id: Status.CONTESTEE})

    assert asked(general, state, act=Act.CONTESTER) == []
    assert asked(general, contested, act=Act.CONTESTER) == ["CIR-TOUR-05"]
    assert asked(general, state, act=Act.COMPLETER) == ["CIR-TOUR-05"]
    assert asked(PIECE, replace(STATE, awaited=before), act=Act.CONTESTER) == ["CIR-TOUR-05"]


BON = Attached("bon.pdf", 9, b"%PDF-1.4")


@pytest.mark.parametrize(
    ("act", "attachments", "comment", "codes"),
    [
        (Act.COMPLETER, (), "  ", ["DEP-COMPL-02"]),
        (Act.COMPLETER, (), "\u200b…", ["DEP-COMPL-02"]),
        (Act.COMPLETER, (), "Le bon est page 3.", []),
        (Act.COMPLETER, (BON,), "a\0b", ["CIR-CHAMP-05"]),
        (Act.COMPLETER, (BON,), None, []),
        (Act.CONTESTER, (), "Le métré est faux.", []),
        (Act.CONTESTER, (BON,), " ", ["CIR-MOTIF-04"]),
        (Act.CONTESTER, (BON,), "\u200b", ["CIR-MOTIF-04"]),
        (Act.CONTESTER, (BON,), "x" * 256, ["CIR-MOTIF-05"]),
        (Act.CONTESTER, (Attached("bon", 9, b""),), "Le métré est faux.", ["DEP-PJ-03"]),
    ],
)
def test_a_completion_brings_something_and_a_contest_says_why(
    act: Act, attachments: tuple[Attached, ...], comment: str | None, codes: list[str]
) -> None:
    assert [each.code for each in judge_added(PIECE, act, attachments, comment)] == codes


def an_addition(*files: StoredFile) -> Completion:
    return Completion(files, None, NOW, "0" * 64, 1)


def test_a_piece_has_so_many_attachments_that_its_events_stay_under_the_limit() -> None:
    file = StoredFile("0" * 64, 1, "bon.pdf", "application/pdf")
    full = replace(PIECE, completions=(an_addition(*[file] * 499),))

    assert judge_added(full, Act.COMPLETER, (BON,), None) == ()
    (refused,) = judge_added(full, Act.COMPLETER, (BON, BON), None)
    assert (refused.code, refused.field) == ("DEP-COMPL-04", "attachments")


def test_a_piece_is_completed_so_often_and_no_more() -> None:
    often = replace(PIECE, completions=(an_addition(),) * 100)

    (refused,) = judge_added(often, Act.COMPLETER, (), "Le bon est page 3.")

    assert (refused.code, refused.field) == ("DEP-COMPL-03", "piece")


def test_a_dossier_holds_so_many_pieces_that_its_state_can_be_told() -> None:
    others = {f"piece-{rank}": Status.REJETEE for rank in range(2, 201)}
    full = replace(STATE, statuses={**STATE.statuses, **others})
    beside = {each: status for each, status in full.statuses.items() if each != "piece-200"}
    last = replace(full, statuses=beside)

    assert broken(next_piece(), after(PIECE, last)) == []
    assert broken(next_piece(), after(PIECE, full)) == [("DEP-SUITE-06", "follows")]


def test_a_payment_that_is_not_reported_is_hidden_from_the_titulaire_alone() -> None:
    paid = replace(
        STATE,
        statuses={PIECE.id: Status.MISE_EN_PAIEMENT},
        reported={PIECE.id: Status.MANDATEE},
    )

    def seen(role: Role, *, hidden: bool) -> Status:
        return replace(paid, payment_not_reported=hidden).find_visible_status(role, PIECE.id)

    assert seen(Role.TITULAIRE, hidden=True) is Status.MANDATEE
    assert seen(Role.TITULAIRE, hidden=False) is Status.MISE_EN_PAIEMENT
    assert seen(Role.MOA, hidden=True) is Status.MISE_EN_PAIEMENT
