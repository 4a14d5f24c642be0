"""Decisions about attachments: who decides, what is refused, what is given by default."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from services.organisation.accounts.domain.accounts import (
    Account,
    Attachment,
    AttachmentStatus,
    Decider,
    Roster,
)
from services.organisation.accounts.domain.attachments import (
    Approval,
    Decided,
    Outcome,
    appoint_first_manager,
    approve_attachment,
    ask_attachment,
    close_account,
    end_attachment,
    is_worth_telling,
    join_invited,
    leave,
    record_public_management_account,
    refuse_attachment,
    set_habilitations,
    set_manager,
)
from services.organisation.accounts.domain.habilitations import build_defaults
from shared.rights.model import Habilitation, ManagerRole
from tests.unit.organisation.account_builders import (
    APPLICATIONS,
    EVERYTHING,
    MAIN,
    NOW,
    READ,
    READING,
    SECOND,
    SIRET,
    WRITE,
    a_roster,
    a_user,
    attached,
    waiting,
)

LATER = NOW + timedelta(days=7)
CHIEF = a_user("chief", attached(MAIN))
MACHINE = Decider("machine", can_decide=True)
ORGANISER = a_user("organiser", attached(None, (Habilitation("organisation", WRITE),)))
SECONDARY = a_user("secondary", attached(SECOND))
READER = a_user("reader", attached())
STRANGER = a_user("stranger")
FORMER = a_user("former", replace(attached(MAIN), status=AttachmentStatus.DESACTIVEE))
CLOSED = replace(CHIEF, is_active=False)


def codes(outcome: Outcome) -> list[str]:
    return [] if isinstance(outcome, Decided) else [each.code for each in outcome]


def done(outcome: Outcome) -> Decided:
    assert isinstance(outcome, Decided), outcome
    return outcome


def find(decided: Decided) -> Attachment:
    found = decided.account.find(SIRET)
    assert found is not None
    return found


def ask(account: Account, roster: Roster, count: int = 0) -> Outcome:
    return ask_attachment(account, roster, count, 500, NOW, LATER)


@pytest.mark.parametrize(
    ("account", "can_decide"),
    [
        (CHIEF, True),
        (SECONDARY, True),
        (ORGANISER, True),
        (READER, False),
        (STRANGER, False),
        (FORMER, False),
        (CLOSED, False),
        (a_user("asker", waiting()), False),
        # A main manager decides whatever the habilitations; a secondary one by them alone.
        (a_user("bare", attached(MAIN, ())), True),
        (a_user("bare", attached(SECOND, READING)), False),
        # For one service is not for the structure.
        (a_user("part", attached(None, (Habilitation("organisation", WRITE, "A"),))), False),
        # Elsewhere is not here.
        (a_user("other", attached(MAIN, structure="90000000200015")), False),
    ],
)
def test_who_decides_for_a_structure(account: Account, can_decide: bool) -> None:
    assert Decider.of(account, SIRET).can_decide is can_decide


def test_by_default_managers_have_modification_everywhere_and_users_consultation() -> None:
    assert build_defaults(MAIN) == EVERYTHING
    assert build_defaults(SECOND) == EVERYTHING
    assert build_defaults(None) == READING


def test_a_request_waits_and_gives_nothing() -> None:
    asked = done(ask(STRANGER, a_roster("chief")))

    assert find(asked).status is AttachmentStatus.EN_COURS_DE_VALIDATION
    assert (find(asked).habilitations, find(asked).manager) == ((), None)
    assert find(asked).remind_at == LATER
    assert asked.account.find_active(SIRET) is None
    assert asked.roster.main_managers == {"chief"}
    assert asked.account.version == STRANGER.version + 1


def test_asking_again_changes_nothing() -> None:
    asker = a_user("asker", waiting())

    again = done(ask(asker, a_roster("chief")))

    assert again.account is asker


@pytest.mark.parametrize(
    ("account", "roster", "count", "expected"),
    [
        (READER, a_roster("chief"), 0, ["ORG-RATTACHEMENT-01"]),
        (STRANGER, a_roster(), 0, ["ORG-RATTACHEMENT-03"]),
        (STRANGER, a_roster("chief"), 500, ["ORG-DEMANDE-01"]),
        (CLOSED, a_roster("other"), 0, ["ORG-COMPTE-02"]),
        (
            a_user("busy", *(waiting(f"S{rank}") for rank in range(50))),
            a_roster("chief"),
            0,
            ["ORG-RATTACHEMENT-02"],
        ),
    ],
)
def test_what_refuses_a_request(
    account: Account, roster: Roster, count: int, expected: list[str]
) -> None:
    assert codes(ask(account, roster, count)) == expected


def test_who_was_refused_or_left_may_ask_again() -> None:
    asked = done(ask(FORMER, a_roster("chief")))

    assert find(asked).is_waiting
    assert (find(asked).manager, find(asked).habilitations) == (None, ())
    assert find(asked).version == 2


def test_managers_are_told_once_a_day_of_one_request() -> None:
    assert is_worth_telling(None, NOW)
    assert not is_worth_telling(waiting(), NOW + timedelta(hours=23))
    assert is_worth_telling(waiting(), NOW + timedelta(days=1))


def approve(decider: Account | Decider, approval: Approval = Approval()) -> Outcome:  # noqa: B008 - frozen
    who = decider if isinstance(decider, Decider) else Decider.of(decider, SIRET)
    asker = a_user("asker", waiting())
    return approve_attachment(who, asker, a_roster("chief"), approval, {"VOIRIE"}, NOW)


def test_an_approval_gives_the_defaults_or_what_is_chosen() -> None:
    user = find(done(approve(CHIEF)))
    second = find(done(approve(CHIEF, Approval(SECOND))))
    chosen = (Habilitation("factures_de_travaux", WRITE, "VOIRIE"),)
    other = find(done(approve(CHIEF, Approval(None, chosen))))

    assert (user.status, user.manager, user.habilitations) == (
        AttachmentStatus.VALIDEE,
        None,
        READING,
    )
    assert (second.manager, second.habilitations) == (SECOND, EVERYTHING)
    assert other.habilitations == chosen
    assert (user.decided_by, user.decided_at, user.remind_at) == ("chief", NOW, None)


def test_a_new_main_manager_is_on_the_roster() -> None:
    assert done(approve(CHIEF, Approval(MAIN))).roster.main_managers == {"asker", "chief"}


@pytest.mark.parametrize(
    ("decider", "approval", "expected"),
    [
        (SECONDARY, Approval(), []),
        (ORGANISER, Approval(), []),
        (MACHINE, Approval(), []),
        (READER, Approval(), ["ORG-DECISION-01"]),
        (STRANGER, Approval(), ["ORG-DECISION-01"]),
        (FORMER, Approval(), ["ORG-DECISION-01"]),
        # Nobody approves their own request.
        (a_user("asker", waiting()), Approval(), ["ORG-DECISION-01"]),
        # Main managers alone name managers.
        (SECONDARY, Approval(SECOND), ["ORG-DECISION-02"]),
        (ORGANISER, Approval(MAIN), ["ORG-DECISION-02"]),
        (MACHINE, Approval(SECOND), ["ORG-DECISION-02"]),
        (CHIEF, Approval(None, (Habilitation("paie", READ),)), ["ORG-HABILITATION-01"]),
        (
            CHIEF,
            Approval(None, (Habilitation("sollicitations", READ),) * 2),
            ["ORG-HABILITATION-02"],
        ),
        (
            CHIEF,
            Approval(None, (Habilitation("factures_recues", READ, "ECOLES"),)),
            ["ORG-HABILITATION-03"],
        ),
        (
            CHIEF,
            Approval(None, (Habilitation("organisation", READ, "VOIRIE"),)),
            ["ORG-HABILITATION-04"],
        ),
        # Tickets are those of the structure: this would open them all.
        (
            CHIEF,
            Approval(None, (Habilitation("sollicitations", READ, "VOIRIE"),)),
            ["ORG-HABILITATION-04"],
        ),
        (
            CHIEF,
            Approval(None, (Habilitation("sollicitations", READ),) * 101),
            ["ORG-HABILITATION-05"],
        ),
        (CHIEF, Approval(MAIN, READING), ["ORG-GESTIONNAIRE-02"]),
    ],
)
def test_who_may_approve_and_give_what(
    decider: Account | Decider, approval: Approval, expected: list[str]
) -> None:
    assert codes(approve(decider, approval)) == expected


@pytest.mark.parametrize("account", [READER, FORMER, STRANGER])
def test_only_what_waits_is_decided(account: Account) -> None:
    decider, roster = Decider.of(CHIEF, SIRET), a_roster("chief")

    approved = approve_attachment(decider, account, roster, Approval(), (), NOW)
    refused = refuse_attachment(decider, account, roster, "inconnu ici", NOW)

    assert codes(approved) == codes(refused) == ["ORG-DECISION-03"]


def test_a_refusal_has_a_reason() -> None:
    decider, asker, roster = Decider.of(CHIEF, SIRET), a_user("a", waiting()), a_roster("chief")

    refused = find(done(refuse_attachment(decider, asker, roster, "inconnu ici", NOW)))

    assert (refused.status, refused.reason) == (AttachmentStatus.REFUSEE, "inconnu ici")
    assert codes(refuse_attachment(decider, asker, roster, "", NOW)) == ["ORG-DECISION-04"]


Act = Callable[[Account, Account, Roster], Outcome]


def end(by: Account, account: Account, roster: Roster) -> Outcome:
    return end_attachment(Decider.of(by, SIRET), account, roster, NOW)


def go(_: Account, account: Account, roster: Roster) -> Outcome:
    return leave(account, roster, NOW)


def demote(by: Account, account: Account, roster: Roster) -> Outcome:
    return set_manager(Decider.of(by, SIRET), account, roster, SECOND, NOW)


def strip(by: Account, account: Account, roster: Roster) -> Outcome:
    return set_habilitations(Decider.of(by, SIRET), account, roster, (), (), NOW)


@pytest.mark.parametrize("act", [end, go, demote])
def test_the_last_main_manager_stays(act: Act) -> None:
    assert codes(act(CHIEF, CHIEF, a_roster("chief"))) == ["ORG-GESTIONNAIRE-01"]


@pytest.mark.parametrize("act", [end, go, demote])
def test_one_of_two_main_managers_may_go(act: Act) -> None:
    decided = done(act(CHIEF, CHIEF, a_roster("chief", "other")))

    assert decided.roster.main_managers == {"other"}


@pytest.mark.parametrize("act", [end, strip])
@pytest.mark.parametrize("by", [SECONDARY, ORGANISER])
def test_only_a_main_manager_acts_on_a_main_manager(act: Act, by: Account) -> None:
    assert codes(act(by, CHIEF, a_roster("chief", "other"))) == ["ORG-DECISION-02"]


def test_a_main_manager_keeps_the_right_to_manage() -> None:
    assert codes(strip(CHIEF, CHIEF, a_roster("chief"))) == ["ORG-GESTIONNAIRE-02"]


@pytest.mark.parametrize("by", [SECONDARY, ORGANISER, READER, STRANGER])
def test_only_a_main_manager_names_managers(by: Account) -> None:
    decider = Decider.of(by, SIRET)

    named = set_manager(decider, READER, a_roster("chief"), SECOND, NOW)

    assert codes(named) == ["ORG-DECISION-02"]


def test_who_becomes_a_manager_has_everything_and_keeps_all_but_deciding_afterwards() -> None:
    decider, roster = Decider.of(CHIEF, SIRET), a_roster("chief")

    named = done(set_manager(decider, READER, roster, SECOND, NOW))
    ceased = done(set_manager(decider, named.account, named.roster, None, NOW))

    assert (find(named).manager, find(named).habilitations) == (SECOND, EVERYTHING)
    assert find(ceased).manager is None
    assert {(each.application, each.level) for each in find(ceased).habilitations} == {
        (application, READ if application == "organisation" else WRITE)
        for application in APPLICATIONS
    }
    assert not find(ceased).can_decide


def test_an_ended_attachment_holds_nothing_and_ending_it_again_changes_nothing() -> None:
    ended = done(end(SECONDARY, READER, a_roster("chief")))

    assert find(ended).status is AttachmentStatus.DESACTIVEE
    assert (find(ended).manager, find(ended).habilitations) == (None, ())
    assert done(end(SECONDARY, ended.account, ended.roster)).account is ended.account


def test_who_asks_may_withdraw() -> None:
    decided = done(leave(a_user("asker", waiting()), a_roster("chief"), NOW))

    assert find(decided).status is AttachmentStatus.SUPPRIMEE
    assert decided.act == "rattachement.retire"


@pytest.mark.parametrize(
    ("inviter", "account", "expected"),
    [
        ("chief", STRANGER, []),
        ("chief", FORMER, []),
        ("chief", a_user("asker", waiting()), []),
        ("chief", READER, ["ORG-RATTACHEMENT-01"]),
        ("chief", replace(STRANGER, is_active=False), ["ORG-COMPTE-02"]),
    ],
)
def test_who_accepts_an_invitation_is_attached(
    inviter: str, account: Account, expected: list[str]
) -> None:
    joined = join_invited(inviter, account, a_roster("chief"), Approval(), NOW)

    assert codes(joined) == expected
    if not expected:
        assert find(done(joined)).habilitations == READING
        assert find(done(joined)).decided_by == "chief"


def test_the_first_manager_is_appointed_once() -> None:
    first = done(appoint_first_manager(STRANGER, a_roster(), "operator", NOW))

    assert (find(first).manager, find(first).habilitations) == (MAIN, EVERYTHING)
    assert first.roster.main_managers == {"stranger"}
    again = appoint_first_manager(READER, first.roster, "operator", NOW)
    assert codes(again) == ["ORG-GESTIONNAIRE-03"]


def test_an_account_is_closed_unless_a_structure_would_lose_its_last_main_manager() -> None:
    two = a_user("two", attached(MAIN), waiting("90000000200015"))

    refused = close_account(two, [a_roster("two")], NOW)
    closed = done(close_account(two, [a_roster("two", "other")], NOW)).account

    assert codes(refused) == ["ORG-GESTIONNAIRE-01"]
    assert not closed.is_active
    assert {each.status for each in closed.attachments} == {AttachmentStatus.SUPPRIMEE}


def test_only_the_latest_ended_attachments_are_kept() -> None:
    account = a_user("wanderer", attached())
    for rank in range(60):
        structure = f"S{rank:02}"
        account = account.put(
            replace(waiting(structure), asked_at=NOW + timedelta(minutes=rank + 1))
        )
        decided = leave(account, a_roster("chief", structure=structure), NOW)
        account = done(decided).account

    kept = {each.structure for each in account.attachments}
    assert kept == {SIRET, *(f"S{rank:02}" for rank in range(10, 60))}


@pytest.mark.parametrize("manager", list(ManagerRole))
def test_a_role_that_is_held_already_changes_nothing(manager: ManagerRole) -> None:
    account = a_user("already", attached(manager))

    decided = set_manager(Decider.of(CHIEF, SIRET), account, a_roster("chief"), manager, NOW)

    assert done(decided).account is account


def test_an_account_of_public_management_is_recorded_once_and_taken_back() -> None:
    decider, roster = Decider.of(CHIEF, SIRET), a_roster("chief")

    recorded = done(record_public_management_account(decider, SECONDARY, roster, NOW, is_held=True))
    again = done(
        record_public_management_account(
            decider, recorded.account, recorded.roster, NOW, is_held=True
        )
    )
    taken_back = done(
        record_public_management_account(
            decider, again.account, recorded.roster, NOW, is_held=False
        )
    )

    assert find(recorded).has_public_management_account
    assert (find(recorded).manager, find(recorded).habilitations) == (SECOND, EVERYTHING)
    assert (recorded.act, recorded.details) == ("rattachement.compte_pigp", {"detenu": True})
    assert again.account is recorded.account
    assert not find(taken_back).has_public_management_account


@pytest.mark.parametrize(
    ("by", "account", "expected"),
    [
        (READER, SECONDARY, ["ORG-DECISION-01"]),
        (STRANGER, SECONDARY, ["ORG-DECISION-01"]),
        (CHIEF, FORMER, ["ORG-RATTACHEMENT-04"]),
    ],
)
def test_who_decides_records_the_account_of_who_is_attached(
    by: Account, account: Account, expected: list[str]
) -> None:
    decider, roster = Decider.of(by, SIRET), a_roster("chief")

    outcome = record_public_management_account(decider, account, roster, NOW, is_held=True)

    assert codes(outcome) == expected


def test_who_is_attached_again_has_no_account_recorded() -> None:
    recorded = a_user("second", replace(attached(SECOND), has_public_management_account=True))
    decider, roster = Decider.of(CHIEF, SIRET), a_roster("chief")
    left = done(end_attachment(decider, recorded, roster, NOW)).account

    joined = join_invited("chief", left, roster, Approval(SECOND), NOW)

    assert not find(done(joined)).has_public_management_account
