"""The life of a ticket: the table, act by act."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from pydantic import TypeAdapter

from services.support.access.domain.parties import Issuer, Recipient
from services.support.desks.domain.hours import OpeningHours
from services.support.settings import DATA, load_catalogue, load_targets
from services.support.suggestions.domain.suggestions import Guess, Suggestions
from services.support.tickets.domain.changes import (
    apply_action,
    create_draft,
    submit_draft,
    update_draft,
)
from services.support.tickets.domain.targets import measure_response_times
from services.support.tickets.domain.tickets import (
    ACT_LABELS,
    STATUS_LABELS,
    Action,
    Content,
    Ticket,
)
from services.support.tickets.domain.transitions import (
    OPEN_STATUSES,
    TRANSITIONS,
    find_transition,
    list_acts,
)
from services.support.tickets.domain.validation import (
    find_allowed_transition,
    judge_action,
    judge_assignment,
    judge_attachments,
    judge_draft,
    judge_submission,
)
from services.support.tickets.entrypoints.answers import TicketAnswer
from shared.circuit.parties import Service, Structure
from shared.vocabulary.attachments import Attached
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.sizes import MEGABYTE
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus
from shared.vocabulary.tickets import Desk, Side, TicketAct, TicketStatus

CATALOGUE = load_catalogue(DATA / "catalogue.csv")
TARGETS = load_targets(DATA / "delais.csv")
# A Thursday, at 10:00 in Paris.
AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
ISSUER = Issuer("90000000100017", Role.TITULAIRE)
NOTHING = Suggestions()
NOTHING_SAID = [("SUP-TEXTE-01", "title"), ("SUP-TEXTE-01", "description")]
CONTENT = Content("M_REFUS", "Refus", "Pourquoi ?", Recipient("90000000300013", "TRAVAUX"))

DIRECTORY = {
    "90000000300013": Structure(
        id="90000000300013",
        kind=StructureKind.PUBLIQUE,
        status=StructureStatus.ACTIF,
        moa=MoaParameter.SANS,
        version=1,
        services={"TRAVAUX": Service()},
    )
}


def test_what_is_left_out_of_a_draft_that_is_saved_stays_as_it_is() -> None:
    draft = create_draft("t", replace(ISSUER, service="A"), CONTENT, AT)

    renamed = update_draft(
        draft, AT, content=Content(title="Suite"), issuer=ISSUER, given={"title"}
    )
    emptied = update_draft(
        draft, AT, content=Content(), issuer=ISSUER, given={"recipient", "service"}
    )

    assert renamed.content == replace(CONTENT, title="Suite")
    assert renamed.issuer == replace(ISSUER, service="A")
    assert emptied.content == replace(CONTENT, recipient=None)
    assert emptied.issuer == ISSUER


def a_ticket(
    content: Content = CONTENT, suggestions: Suggestions = NOTHING, at: datetime = AT
) -> Ticket:
    return submit_draft(
        create_draft("t", ISSUER, content, at), "T-2026-000001", CATALOGUE, suggestions, at
    )


def after(ticket: Ticket, act: TicketAct, at: datetime = AT, **with_: object) -> Ticket:
    """Do an act that the table allows."""
    side = Side.BUREAU if find_transition(act, Side.BUREAU, ticket.status) else Side.DEMANDEUR
    action = replace(Action(act, side, "Camille", text="mot"), **with_)  # type: ignore[arg-type]
    row = find_allowed_transition(ticket, act, side)
    assert not isinstance(row, Violation), row
    assert judge_action(ticket, action, row, DIRECTORY, AT.date()) == ()
    return apply_action(ticket, action, row.target, at)


def codes(violations: tuple[Violation, ...]) -> list[tuple[str, str]]:
    return [(each.code, each.field) for each in violations]


def test_no_two_rows_of_the_table_answer_one_question() -> None:
    for act, side, status in product(TicketAct, Side, TicketStatus):
        rows = [
            row
            for row in TRANSITIONS
            if (row.act, row.side) == (act, side) and status in row.sources
        ]
        assert len(rows) <= 1, (act, side, status)


def test_every_act_and_every_status_has_a_row_and_a_french_name() -> None:
    assert {row.act for row in TRANSITIONS} == {*TicketAct} == ACT_LABELS.keys()
    assert {status for row in TRANSITIONS for status in row.sources} == {*TicketStatus}
    assert STATUS_LABELS.keys() == {*TicketStatus}


def test_every_ticket_can_come_to_its_end_and_no_draft_is_a_desk_s() -> None:
    for start in TicketStatus:
        reached, waiting = {start}, [start]
        while waiting:
            status = waiting.pop()
            next_ = {row.target for row in TRANSITIONS if status in row.sources and row.target}
            waiting += next_ - reached
            reached |= next_
        assert TicketStatus.CLOS in reached, start
    assert list_acts(Side.BUREAU, TicketStatus.BROUILLON) == ()
    assert TicketStatus.BROUILLON not in OPEN_STATUSES


@pytest.mark.parametrize("code", sorted(CATALOGUE.by_code))
def test_the_sub_category_decides_the_desk_whatever_the_text_suggests(code: str) -> None:
    desk = CATALOGUE.by_code[code].desk
    other = next(each for each in Desk if each is not desk)
    guess = next(each.code for each in CATALOGUE.by_code.values() if each.desk is other)
    suggestions = Suggestions((Guess(guess, 0.99),), other, frozenset({code}))

    ticket = a_ticket(replace(CONTENT, sub_category=code), suggestions)

    assert ticket.desk is desk
    assert ticket.content.sub_category == code
    assert (ticket.suggested, ticket.contradicts) == (guess, True)
    assert (ticket.recipient is None) is not desk.is_of_a_structure


def test_a_text_that_says_nothing_clear_contradicts_nothing() -> None:
    agreeing = Suggestions((Guess("M_PAIEMENT", 0.9),), Desk.METIER, frozenset({"DEPOT"}))

    assert not a_ticket().contradicts
    assert not a_ticket(suggestions=agreeing).contradicts
    assert not a_ticket(suggestions=Suggestions((Guess("DEPOT", 0.3),))).contradicts


def test_a_ticket_lives_from_draft_to_closed_through_a_reopening() -> None:
    ticket = a_ticket()
    seen = [ticket.status]
    for act in (
        TicketAct.ECRIRE,
        TicketAct.PRENDRE_EN_CHARGE,
        TicketAct.DEMANDER,
        TicketAct.ECRIRE,
        TicketAct.REPONDRE,
        TicketAct.RESOUDRE,
        TicketAct.ROUVRIR,
        TicketAct.PRENDRE_EN_CHARGE,
        TicketAct.RESOUDRE,
    ):
        ticket = after(ticket, act, assignee="Camille")
        seen.append(ticket.status)
    ticket = after(ticket, TicketAct.EVALUER, satisfaction=4)

    assert [*map(str, seen), str(ticket.status)] == [
        "DEPOSE",
        "DEPOSE",
        "EN_COURS",
        "EN_ATTENTE",
        "EN_COURS",
        "EN_COURS",
        "RESOLU",
        "ROUVERT",
        "EN_COURS",
        "RESOLU",
        "CLOS",
    ]
    assert len(ticket.journal) == 12
    assert ticket.version == 12
    again = find_allowed_transition(ticket, TicketAct.EVALUER, Side.DEMANDEUR)
    assert isinstance(again, Violation)
    assert again.code == "SUP-ETAT-03"


def test_what_the_table_does_not_hold_is_refused_with_what_it_holds() -> None:
    refused = find_allowed_transition(a_ticket(), TicketAct.RESOUDRE, Side.BUREAU)

    assert isinstance(refused, Violation)
    assert refused.code == "SUP-ETAT-01"
    assert "déposé" in refused.message
    assert "prendre_en_charge" in refused.remedy


def test_a_transfer_leaves_a_line_and_nobody_in_charge() -> None:
    ticket = after(a_ticket(), TicketAct.PRENDRE_EN_CHARGE, assignee="Camille")

    moved = after(ticket, TicketAct.TRANSFERER, desk=Desk.TECHNIQUE, text="C'est le dépôt.")

    assert (moved.desk, moved.recipient, moved.assignee) == (Desk.TECHNIQUE, None, None)
    assert moved.status is TicketStatus.DEPOSE
    assert moved.content == ticket.content
    line = moved.journal[-1]
    assert (line.who, line.text, line.desk) == ("Camille", "C'est le dépôt.", Desk.TECHNIQUE)


@pytest.mark.parametrize(
    ("action", "broken"),
    [
        (
            Action(TicketAct.TRANSFERER, Side.BUREAU, "C", desk=Desk.TECHNIQUE),
            ("SUP-TEXTE-01", "text"),
        ),
        (
            Action(TicketAct.TRANSFERER, Side.BUREAU, "C", text="x", desk=Desk.METIER),
            ("SUP-DESTINATAIRE-01", "recipient.structure"),
        ),
        (
            Action(
                TicketAct.TRANSFERER,
                Side.BUREAU,
                "C",
                text="x",
                desk=Desk.METIER,
                recipient=CONTENT.recipient,
            ),
            ("SUP-TRANSFERT-01", "desk"),
        ),
        (Action(TicketAct.ECRIRE, Side.DEMANDEUR, "s", text=""), ("SUP-TEXTE-01", "text")),
        (Action(TicketAct.ECRIRE, Side.DEMANDEUR, "s", text="a\x00"), ("SUP-TEXTE-03", "text")),
        (Action(TicketAct.PRENDRE_EN_CHARGE, Side.BUREAU, "C"), ("SUP-TEXTE-01", "assignee")),
    ],
)
def test_what_an_act_lacks_is_named(action: Action, broken: tuple[str, str]) -> None:
    ticket = a_ticket()
    row = find_allowed_transition(ticket, action.act, action.by)
    assert not isinstance(row, Violation)

    assert codes(judge_action(ticket, action, row, DIRECTORY, AT.date())) == [broken]


@pytest.mark.parametrize("rating", [None, 0, 6, -1])
def test_a_satisfaction_goes_from_one_to_five(rating: int | None) -> None:
    ticket = replace(a_ticket(), status=TicketStatus.RESOLU)
    action = Action(TicketAct.EVALUER, Side.DEMANDEUR, "s", satisfaction=rating)
    row = find_allowed_transition(ticket, action.act, action.by)
    assert not isinstance(row, Violation)

    assert codes(judge_action(ticket, action, row, DIRECTORY, AT.date())) == [
        ("SUP-SATISFACTION-01", "satisfaction")
    ]


def filled(ticket: Ticket, act: TicketAct, text: str) -> Ticket:
    """Do an act until the journal takes no more of it."""
    side = Side.BUREAU if find_transition(act, Side.BUREAU, ticket.status) else Side.DEMANDEUR
    while not isinstance(refused := find_allowed_transition(ticket, act, side), Violation):
        ticket = after(ticket, act, text=text)
    assert refused.code == "SUP-ETAT-02"
    return ticket


@pytest.mark.parametrize("text", ["m", "\U0001f600" * 10_000])
def test_a_full_ticket_fits_its_document_and_can_still_be_brought_to_its_end(text: str) -> None:
    ticket = filled(a_ticket(), TicketAct.ECRIRE, text)
    ticket = after(ticket, TicketAct.PRENDRE_EN_CHARGE, assignee="Camille")
    ticket = after(ticket, TicketAct.REPONDRE, text=text)

    ticket = filled(ticket, TicketAct.REPONDRE, text)
    for act in (TicketAct.PRIORISER, TicketAct.PRENDRE_EN_CHARGE, TicketAct.TRANSFERER):
        assert isinstance(find_allowed_transition(ticket, act, Side.BUREAU), Violation)
    ticket = after(ticket, TicketAct.RESOUDRE, text=text)
    assert isinstance(find_allowed_transition(ticket, TicketAct.ROUVRIR, Side.DEMANDEUR), Violation)
    assert not isinstance(
        find_allowed_transition(ticket, TicketAct.CLORE, Side.PLATEFORME), Violation
    )
    ticket = after(ticket, TicketAct.EVALUER, text=text, satisfaction=1)

    assert len(TypeAdapter(Ticket).dump_json(ticket)) < 4 * MEGABYTE


def test_an_act_that_would_be_refused_is_not_offered() -> None:
    full = filled(a_ticket(), TicketAct.ECRIRE, "m")
    taken = after(a_ticket(), TicketAct.PRENDRE_EN_CHARGE, assignee="Camille")
    settled = after(taken, TicketAct.RESOUDRE)
    closed = replace(settled, status=TicketStatus.CLOS)
    rated = after(settled, TicketAct.EVALUER, satisfaction=5)

    def offered(ticket: Ticket) -> tuple[TicketAct, ...]:
        return TicketAnswer.of(ticket, Side.DEMANDEUR).acts

    assert offered(taken) == (TicketAct.ECRIRE,)
    assert offered(full) == ()
    assert offered(settled) == (TicketAct.ROUVRIR, TicketAct.EVALUER)
    assert offered(closed) == (TicketAct.EVALUER,)
    assert offered(rated) == ()


def test_a_ticket_of_somebody_is_taken_only_from_who_is_named() -> None:
    ticket = after(a_ticket(), TicketAct.PRENDRE_EN_CHARGE, assignee="Camille")
    by = {who: Action(TicketAct.PRENDRE_EN_CHARGE, Side.BUREAU, who) for who in ("Camille", "Zoé")}

    refused = judge_assignment(ticket, replace(by["Zoé"], assignee="Zoé"))

    assert refused is not None
    assert refused.code == "SUP-ETAT-04"
    assert judge_assignment(ticket, replace(by["Zoé"], assignee="Zoé", instead_of="Ali"))
    assert not judge_assignment(ticket, replace(by["Zoé"], assignee="Zoé", instead_of="Camille"))
    assert not judge_assignment(ticket, replace(by["Camille"], assignee="Zoé"))
    assert not judge_assignment(a_ticket(), replace(by["Zoé"], assignee="Zoé"))


@pytest.mark.parametrize(
    ("content", "broken"),
    [
        (
            Content(),
            [
                ("SUP-CATALOGUE-02", "sub_category"),
                ("SUP-TEXTE-01", "title"),
                ("SUP-TEXTE-01", "description"),
            ],
        ),
        (replace(CONTENT, sub_category="M_RIEN"), [("SUP-CATALOGUE-01", "sub_category")]),
        (replace(CONTENT, recipient=None), [("SUP-DESTINATAIRE-01", "recipient.structure")]),
        (replace(CONTENT, title="t" * 151), [("SUP-TEXTE-02", "title")]),
        (replace(CONTENT, title="a\nb"), [("SUP-TEXTE-03", "title")]),
        (replace(CONTENT, title="…", description="\u2800"), NOTHING_SAID),
        (replace(CONTENT, title="\U0001d159", description="\ufffc"), NOTHING_SAID),
        (replace(CONTENT, description="d" * 10_001), [("SUP-TEXTE-02", "description")]),
        (replace(CONTENT, description="a\x1b[31m"), [("SUP-TEXTE-03", "description")]),
        (replace(CONTENT, description="a\u202egpj.exe"), [("SUP-TEXTE-03", "description")]),
        (replace(CONTENT, description="<script>alert(1)</script>\n\tsuite"), []),
        (replace(CONTENT, sub_category="DEPOT", recipient=None), []),
    ],
)
def test_all_that_keeps_a_draft_from_its_desk_is_named(
    content: Content, broken: list[tuple[str, str]]
) -> None:
    assert codes(judge_submission(content, CATALOGUE, DIRECTORY, AT.date())) == broken


def test_a_draft_may_lack_anything_but_holds_nothing_wrong() -> None:
    assert judge_draft(Content(), CATALOGUE, {}, AT.date()) == ()
    wrong = Content(sub_category="NON", title="a\x00")
    assert [code for code, _ in codes(judge_draft(wrong, CATALOGUE, {}, AT.date()))] == [
        "SUP-CATALOGUE-01",
        "SUP-TEXTE-03",
    ]


def test_the_clock_runs_in_opening_hours_and_stops_while_the_issuer_is_awaited() -> None:
    hour = timedelta(hours=1)
    ticket = a_ticket()
    ticket = after(ticket, TicketAct.PRENDRE_EN_CHARGE, AT + hour, assignee="Camille")
    ticket = after(ticket, TicketAct.DEMANDER, AT + 2 * hour)
    friday, monday = AT + timedelta(days=1), AT + timedelta(days=4)

    asked = measure_response_times(ticket, TARGETS, friday, OpeningHours().measure_open_time)
    ticket = after(ticket, TicketAct.ECRIRE, friday)
    on_monday = measure_response_times(ticket, TARGETS, monday, OpeningHours().measure_open_time)

    assert asked is not None
    assert on_monday is not None
    assert (asked.first_answer, asked.is_answered) == (2 * hour, True)
    assert asked.resolution == 2 * hour
    # Friday from 10:00 to 18:30, Monday from 8:30 to 10:00.
    assert on_monday.resolution == 12 * hour
    assert not on_monday.is_late


def test_a_ticket_that_nobody_answers_is_late_and_a_draft_never_is() -> None:
    late = measure_response_times(
        a_ticket(), TARGETS, AT + timedelta(days=7), OpeningHours().measure_open_time
    )

    assert late is not None
    assert late.first_answer == timedelta(hours=50)
    assert (late.is_answered, late.is_late) == (False, True)
    assert (
        measure_response_times(
            create_draft("t", ISSUER, CONTENT, AT), TARGETS, AT, OpeningHours().measure_open_time
        )
        is None
    )


def test_a_desk_has_its_whole_time_from_when_a_ticket_is_transferred_to_it() -> None:
    hour, days = timedelta(hours=1), timedelta(days=7)
    ticket = after(a_ticket(), TicketAct.PRENDRE_EN_CHARGE, AT + hour, assignee="Camille")
    ticket = after(ticket, TicketAct.REPONDRE, AT + 2 * hour)
    moved = after(ticket, TicketAct.TRANSFERER, AT + days, desk=Desk.TECHNIQUE, recipient=None)

    there = measure_response_times(
        moved, TARGETS, AT + days + hour, OpeningHours().measure_open_time
    )

    assert there is not None
    assert (there.is_answered, there.is_late) == (False, False)
    assert (there.first_answer, there.resolution) == (hour, hour)


def test_a_reopened_ticket_is_to_be_answered_again() -> None:
    hour, days = timedelta(hours=1), timedelta(days=7)
    ticket = after(a_ticket(), TicketAct.PRENDRE_EN_CHARGE, AT + hour, assignee="Camille")
    ticket = after(ticket, TicketAct.RESOUDRE, AT + 2 * hour)
    reopened = after(ticket, TicketAct.ROUVRIR, AT + days)

    waiting = measure_response_times(
        reopened, TARGETS, AT + days + hour, OpeningHours().measure_open_time
    )
    late = measure_response_times(
        reopened, TARGETS, AT + 2 * days, OpeningHours().measure_open_time
    )

    assert waiting is not None
    assert late is not None
    assert (waiting.first_answer, waiting.is_answered, waiting.is_late) == (hour, False, False)
    assert (late.is_answered, late.is_late) == (False, True)


@pytest.mark.parametrize(
    ("letters", "size", "code"),
    [
        (46, 10 * MEGABYTE, None),
        (47, 10 * MEGABYTE, "SUP-PJ-01"),
        (46, 10 * MEGABYTE + 1, "SUP-PJ-06"),
    ],
)
def test_an_attachment_has_the_limits_of_any_other(
    letters: int, size: int, code: str | None
) -> None:
    found = judge_attachments([Attached(f"{'n' * letters}.pdf", size, b"%PDF-1.7")])

    assert codes(found) == ([(code, "attachments.0")] if code else [])
