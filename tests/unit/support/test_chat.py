"""What a chat becomes, by what is said in it and by the passing of time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.support.access.domain.texts import TEXT_LIMIT, TITLE_LIMIT
from services.support.chat.domain.changes import (
    add_message,
    apply_time_limits,
    assign_agent,
    choose_queue,
    end_chat,
    prefill_ticket,
    transfer_chat,
)
from services.support.chat.domain.chat import (
    Chat,
    ChatLimits,
    ChatRequest,
    ChatState,
    ChatTransfer,
    Ending,
    Line,
    LineKind,
    Message,
    Queue,
)
from services.support.chat.domain.validation import (
    MESSAGE_LIMIT,
    judge_message,
    judge_repeat,
    judge_request,
    judge_transfer,
)
from services.support.desks.domain.french_dates import format_opening
from services.support.desks.domain.hours import OpeningHours
from services.support.desks.domain.opening import describe_closing, judge_opening
from services.support.settings import DATA, load_catalogue
from shared.circuit.parties import Structure
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus
from shared.vocabulary.tickets import DESK_LABELS, Desk, Side

CATALOGUE = load_catalogue(DATA / "catalogue.csv")
NOON = datetime(2026, 7, 13, 10, tzinfo=UTC)
"""A Monday."""
CLOSING = datetime(2026, 7, 13, 16, 30, tzinfo=UTC)
STRUCTURE = Structure(
    "s", StructureKind.PUBLIQUE, StructureStatus.ACTIF, MoaParameter.SANS, version=1
)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOURS = OpeningHours()
LIMITS = ChatLimits(
    hours=HOURS,
    waiting=100,
    waiting_open=50,
    open_each=5,
    silence=15 * MINUTE,
    absence=2 * MINUTE,
)
DESK, BUSINESS = Queue(Desk.TECHNIQUE), Queue(Desk.METIER, "s")
WAITING = Chat(id="c", queue=DESK, place=1, started_at=NOON, said_at=NOON)
TALKING = assign_agent(WAITING, "Ali", NOON).chat


def codes(found: tuple[Violation, ...]) -> list[str]:
    return [each.code for each in found]


def says(chat: Chat, message: Message, now: datetime = NOON) -> list[str]:
    return codes(judge_message(chat, message, LIMITS, now))


MINE, THEIRS = Message(Side.DEMANDEUR, "Bonjour"), Message(Side.BUREAU, "Bonjour", "Ali", desk=DESK)


def test_it_opens_on_a_day_that_is_named() -> None:
    holiday = datetime(2026, 7, 14, 10, tzinfo=UTC)

    assert format_opening(HOURS.find_next_opening(holiday)) == "mercredi 15 juillet 2026 à 8 h 30"
    assert "mercredi 15 juillet 2026 à 8 h 30" in judge_opening(HOURS, holiday)[0].message
    assert judge_opening(HOURS, NOON) == ()
    assert describe_closing(HOURS, holiday) == (
        "Le tchat est fermé. Il ouvre le mercredi 15 juillet 2026 à 8 h 30. "
        "Un ticket se dépose à toute heure."
    )


@pytest.mark.parametrize(
    ("wanted", "queue"),
    [
        (ChatRequest(), Queue(Desk.TECHNIQUE)),
        (ChatRequest("DEPOT", "s"), Queue(Desk.TECHNIQUE)),
        (ChatRequest("M_REFUS", "s"), Queue(Desk.METIER, "s")),
    ],
)
def test_the_sub_category_decides_the_queue(wanted: ChatRequest, queue: Queue) -> None:
    assert judge_request(wanted, CATALOGUE, {"s": STRUCTURE}) == ()
    assert choose_queue(wanted, CATALOGUE) == queue


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (ChatRequest("INCONNUE"), "SUP-CATALOGUE-01"),
        (ChatRequest("M_REFUS"), "SUP-DESTINATAIRE-01"),
        (ChatRequest("M_REFUS", "s" * 101), "SUP-TEXTE-02"),
        (ChatRequest(text="x" * (MESSAGE_LIMIT + 1)), "SUP-TEXTE-02"),
        (ChatRequest(text="x", key="k" * 65), "SUP-TEXTE-02"),
    ],
)
def test_a_wish_that_breaks_a_rule(wanted: ChatRequest, code: str) -> None:
    assert codes(judge_request(wanted, CATALOGUE, {})) == [code]


def test_who_waits_may_write_and_the_desk_only_once_it_has_taken() -> None:
    assert says(WAITING, MINE) == says(TALKING, MINE) == says(TALKING, THEIRS) == []
    assert says(WAITING, THEIRS) == ["SUP-TCHAT-08"]


def test_nobody_writes_after_the_end_nor_beyond_what_a_chat_holds() -> None:
    over = end_chat(TALKING, Ending.BUREAU, LIMITS, NOON, "Ali").chat
    full = replace(TALKING, messages=LIMITS.messages)

    assert says(over, MINE) == says(over, THEIRS) == ["SUP-TCHAT-07"]
    assert says(full, MINE) == says(full, THEIRS) == ["SUP-TCHAT-05"]


@given(st.lists(st.integers(0, 90), min_size=30, max_size=80))
@example([0] * 20 + [59, 60, 60])
def test_no_minute_holds_more_messages_than_it_may(seconds: list[int]) -> None:
    chat, written = TALKING, []
    for second in sorted(seconds):
        now = NOON + second * SECOND
        if says(chat, MINE, now) == []:
            chat = add_message(chat, MINE, LIMITS, now).chat
            written.append(second)
        else:
            assert sum(second - 60 < each for each in written) == LIMITS.per_minute

    for second in written:
        assert sum(second - 60 < each <= second for each in written) <= LIMITS.per_minute
    assert len(chat.lately) <= LIMITS.per_minute


def test_the_pace_of_the_desk_is_its_own() -> None:
    by_desk, by_issuer = TALKING, TALKING
    for _ in range(LIMITS.per_minute):
        by_desk = add_message(by_desk, THEIRS, LIMITS, NOON).chat
        by_issuer = add_message(by_issuer, MINE, LIMITS, NOON).chat

    assert says(by_desk, MINE) == says(by_desk, THEIRS) == says(by_issuer, THEIRS) == []
    assert says(by_issuer, MINE) == ["SUP-TCHAT-06"]


def test_a_key_stands_for_one_message() -> None:
    (line,) = add_message(TALKING, replace(MINE, key="k"), LIMITS, NOON).lines

    assert judge_repeat(line, replace(MINE, key="k")) == ()
    assert codes(judge_repeat(line, replace(MINE, text="autre"))) == ["SUP-TCHAT-09"]
    assert codes(judge_repeat(line, THEIRS)) == ["SUP-TCHAT-09"]


def test_ranks_follow_one_another_whatever_happens() -> None:
    steps = [add_message(WAITING, MINE, LIMITS, NOON)]
    steps.append(assign_agent(steps[-1].chat, "Ali", NOON))
    steps.append(add_message(steps[-1].chat, THEIRS, LIMITS, NOON))
    steps.append(end_chat(steps[-1].chat, Ending.DEMANDEUR, LIMITS, NOON))

    assert [line.rank for update in steps for line in update.lines] == [1, 2, 3, 4]
    assert [update.chat.rank for update in steps] == [1, 2, 3, 4]


def passes(chat: Chat, now: datetime, seen_at: datetime | None = None) -> object:
    """Say what time makes of a chat: why it ends, or what kind of line is added."""
    update = apply_time_limits(chat, LIMITS, now, seen_at or now)
    return update and (update.chat.ending or update.lines[0].kind)


def lively(chat: Chat, now: datetime) -> Chat:
    """Make somebody have written just now."""
    return replace(chat, said_at=now)


@pytest.mark.parametrize("chat", [WAITING, TALKING])
def test_closing_is_told_once_and_then_comes(chat: Chat) -> None:
    at = CLOSING - LIMITS.warning
    for now, expected in (
        (at - SECOND, None),
        (at, LineKind.FERMETURE_PROCHE),
        (CLOSING - SECOND, LineKind.FERMETURE_PROCHE),
        (CLOSING, Ending.FERMETURE),
        (CLOSING + timedelta(hours=20), Ending.FERMETURE),
        (CLOSING + timedelta(days=1), Ending.FERMETURE),
        (NOON + timedelta(days=2), Ending.FERMETURE),
    ):
        assert passes(lively(chat, now), now) == expected
    warned = apply_time_limits(lively(chat, at), LIMITS, at, at)
    assert warned is not None
    assert "18 h 30" in warned.lines[0].text
    assert passes(warned.chat, at + SECOND) is None


def test_silence_ends_a_talk_and_no_waiting() -> None:
    late = NOON + LIMITS.silence

    assert passes(TALKING, late - SECOND) is None
    assert passes(TALKING, late) is Ending.SILENCE
    assert passes(lively(TALKING, late - SECOND), late) is None
    assert passes(WAITING, late) is None


def test_absence_ends_a_waiting_and_no_talk() -> None:
    late = NOON + LIMITS.absence

    assert passes(WAITING, late - SECOND, seen_at=NOON) is None
    assert passes(WAITING, late, seen_at=NOON) is Ending.ABSENCE
    assert passes(WAITING, late, seen_at=NOON + SECOND) is None
    assert passes(TALKING, late, seen_at=NOON) is None


def to(queue: Queue, reason: str = "C'est un refus.") -> ChatTransfer:
    return ChatTransfer("Ali", DESK, queue, reason)


@pytest.mark.parametrize(
    ("chat", "transfer", "broken"),
    [
        (TALKING, to(BUSINESS), []),
        (WAITING, to(BUSINESS), ["SUP-TCHAT-08"]),
        (TALKING, to(DESK), ["SUP-TCHAT-10"]),
        (TALKING, to(Queue(Desk.METIER)), ["SUP-DESTINATAIRE-01"]),
        (TALKING, to(Queue(Desk.METIER, "nulle part")), ["SUP-DESTINATAIRE-02"]),
        (TALKING, to(BUSINESS, ""), ["SUP-TEXTE-01"]),
        (replace(TALKING, queue=BUSINESS), to(DESK), ["SUP-TCHAT-11"]),
        (end_chat(TALKING, Ending.SILENCE, LIMITS, NOON).chat, to(BUSINESS), ["SUP-TCHAT-07"]),
    ],
)
def test_what_keeps_a_chat_at_its_desk(
    chat: Chat, transfer: ChatTransfer, broken: list[str]
) -> None:
    assert codes(judge_transfer(chat, transfer, {"s": STRUCTURE})) == broken


@pytest.mark.parametrize("desk", Desk)
def test_a_chat_says_to_which_desk_it_goes(desk: Desk) -> None:
    queue = Queue(desk, "s" if desk.is_of_a_structure else None)
    (line,) = transfer_chat(TALKING, to(queue), 7, NOON).lines

    message = f"{DESK_LABELS[desk]} de s" if desk.is_of_a_structure else DESK_LABELS[desk]
    assert line.text == f"Ali passe la conversation au {message} : C'est un refus."


def test_a_chat_that_is_handed_over_waits_anew_and_says_why() -> None:
    late = NOON + LIMITS.silence
    update = transfer_chat(TALKING, to(BUSINESS), 7, late)
    (line,) = update.lines

    assert update.left_queue == DESK
    assert (update.chat.queue, update.chat.place, update.chat.agent) == (BUSINESS, 7, None)
    assert update.chat.is_waiting
    assert (line.kind, line.by, line.who) == (LineKind.TRANSFERT, Side.BUREAU, "Ali")
    assert line.text == "Ali passe la conversation au bureau métier de s : C'est un refus."
    # Nobody was to be seen while they talked: who was there a moment ago is not absent.
    assert passes(update.chat, late, seen_at=NOON) is None
    assert passes(update.chat, late + LIMITS.absence, seen_at=NOON) is Ending.ABSENCE
    back = assign_agent(update.chat, "Zoé", late).chat
    assert says(back, THEIRS, late) == ["SUP-TCHAT-11"]
    assert says(back, replace(THEIRS, desk=BUSINESS), late) == []


def test_what_has_ended_stays_as_it_is() -> None:
    over = end_chat(TALKING, Ending.BUREAU, LIMITS, NOON, "Ali").chat

    assert over.state is ChatState.TERMINE
    assert passes(over, NOON + timedelta(days=3), seen_at=NOON) is None


def test_a_ticket_begins_with_what_was_said() -> None:
    def line(rank: int, by: Side, text: str, kind: LineKind = LineKind.MESSAGE) -> Line:
        return Line(rank, NOON, by, kind, text, "Ali" if by is Side.BUREAU else "")

    chat = replace(TALKING, sub_category="DEPOT")
    made = prefill_ticket(
        chat,
        [
            line(1, Side.BUREAU, "Ali prend la conversation.", LineKind.PRISE_EN_CHARGE),
            line(2, Side.BUREAU, "Bonjour"),
            line(3, Side.DEMANDEUR, "Mon dépôt\nest refusé"),
        ],
    )
    long = prefill_ticket(chat, [line(i, Side.DEMANDEUR, f"{i} " * 800) for i in range(1, 30)])

    assert made.title == "Mon dépôt est refusé"
    assert made.description == "Ali : Bonjour\nVous : Mon dépôt\nest refusé"
    assert made.sub_category == "DEPOT"
    assert (len(long.title), len(long.description)) == (TITLE_LIMIT, TEXT_LIMIT)
    assert long.description.endswith("29")
    assert prefill_ticket(chat, []).title == ""
