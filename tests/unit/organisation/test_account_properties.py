"""Whatever people do, in whatever order: a structure keeps a main manager, silence gives nothing.

The expectation is written here, beside the code: who may decide is read from the state before each
act by `_decides`, and not by the domain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.organisation.accounts.domain.accounts import (
    Account,
    AttachmentStatus,
    Decider,
    Roster,
    postpone_reminder,
)
from services.organisation.accounts.domain.attachments import (
    Approval,
    Decided,
    Outcome,
    appoint_first_manager,
    approve_attachment,
    ask_attachment,
    end_attachment,
    join_invited,
    leave,
    refuse_attachment,
    set_habilitations,
    set_manager,
)
from services.organisation.accounts.domain.requests import (
    HabilitationRequest,
    Judged,
    Load,
    approve_request,
    ask_habilitations,
    refuse_request,
    withdraw_request,
)
from shared.rights.model import Habilitation, Level, ManagerRole
from tests.unit.organisation.account_builders import APPLICATIONS, NOW, SIRET, a_user

USERS = ("a", "b", "c", "d")
ACTS = (
    "ask",
    "approve",
    "refuse",
    "end",
    "leave",
    "manager",
    "habilitations",
    "request",
    "approve_request",
    "refuse_request",
    "withdraw_request",
    "invite",
    "appoint",
    "wait",
)
_users = st.sampled_from(USERS)
_roles = st.sampled_from([None, *ManagerRole])
_habilitations = st.lists(
    st.builds(Habilitation, st.sampled_from(APPLICATIONS), st.sampled_from(Level)),
    max_size=4,
    unique_by=lambda each: each.application,
).map(tuple)
_steps = st.tuples(st.sampled_from(ACTS), _users, _users, _roles, _habilitations)


@dataclass
class World:
    """One structure, its roster, four users and their requests."""

    accounts: dict[str, Account] = field(
        default_factory=lambda: {each: a_user(each) for each in USERS}
    )
    roster: Roster = field(default_factory=lambda: Roster(SIRET))
    requests: dict[str, HabilitationRequest] = field(default_factory=dict)
    now: datetime = NOW

    def keep(self, outcome: Outcome) -> None:
        """Keep what was decided."""
        if isinstance(outcome, Decided):
            self.accounts[outcome.account.id] = outcome.account
            self.roster = outcome.roster

    def keep_request(self, outcome: object) -> None:
        """Keep what was decided about a request."""
        if isinstance(outcome, Judged):
            self.requests[outcome.request.user] = outcome.request
            self.keep(outcome.decided)


def _act(  # noqa: PLR0912, C901 - one branch for each act
    world: World,
    act: str,
    by: str,
    user: str,
    role: ManagerRole | None,
    wanted: tuple[Habilitation, ...],
) -> None:
    world.now += timedelta(hours=1)
    now, roster, account = world.now, world.roster, world.accounts[user]
    decider = Decider.of(world.accounts[by], SIRET)
    request = world.requests.get(user)
    match act:
        case "ask":
            world.keep(ask_attachment(account, roster, 0, 500, now, now))
        case "approve":
            approval = Approval(role, wanted or None)
            world.keep(approve_attachment(decider, account, roster, approval, (), now))
        case "refuse":
            world.keep(refuse_attachment(decider, account, roster, "non", now))
        case "end":
            world.keep(end_attachment(decider, account, roster, now))
        case "leave":
            world.keep(leave(account, roster, now))
        case "manager":
            world.keep(set_manager(decider, account, roster, role, now))
        case "habilitations":
            world.keep(set_habilitations(decider, account, roster, wanted, (), now))
        case "request":
            asked = HabilitationRequest(f"r{now}", SIRET, user, wanted, now)
            load = Load(0, 0, 500, 20)
            world.keep_request(ask_habilitations(asked, account, roster, (), load))
        case "approve_request" if request:
            world.keep_request(approve_request(request, decider, account, roster, now))
        case "refuse_request" if request:
            world.keep_request(refuse_request(request, decider, account, roster, "non", now))
        case "withdraw_request" if request:
            world.keep_request(withdraw_request(request, account, roster, now))
        case "invite" if decider.can_decide and (role is None or decider.is_main_manager):
            world.keep(join_invited(by, account, roster, Approval(role), now))
        case "appoint":
            world.keep(appoint_first_manager(account, roster, "operator", now))
        case "wait":
            world.now += timedelta(days=400)
            for name, each in world.accounts.items():
                world.accounts[name] = postpone_reminder(each, SIRET, world.now)


def _hold(account: Account) -> Mapping[tuple[str, str], Level]:
    """Say what a user may do, by hand."""
    return {
        (each.structure, right.application): right.level
        for each in account.attachments
        if each.status is AttachmentStatus.VALIDEE
        for right in each.habilitations
    }


def _is_main(account: Account) -> bool:
    return any(
        each.status is AttachmentStatus.VALIDEE and each.manager is ManagerRole.PRINCIPAL
        for each in account.attachments
    )


def _decides(account: Account) -> bool:
    organises = _hold(account).get((SIRET, "organisation")) is Level.MODIFICATION
    return _is_main(account) or organises


def _is_more(before: Account, after: Account) -> bool:
    """Tell whether a user may do more than before, or is a manager of a higher rank."""
    held, now_held = _hold(before), _hold(after)
    ranks = [None, ManagerRole.SECONDAIRE, ManagerRole.PRINCIPAL]
    active = [
        max(
            (
                ranks.index(each.manager)
                for each in account.attachments
                if each.status is AttachmentStatus.VALIDEE
            ),
            default=-1,
        )
        for account in (before, after)
    ]
    return active[1] > active[0] or any(
        (level is Level.MODIFICATION and held.get(key) is not Level.MODIFICATION) or key not in held
        for key, level in now_held.items()
    )


@given(st.lists(_steps, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_structure_that_had_a_main_manager_keeps_one(
    steps: list[tuple[str, str, str, ManagerRole | None, tuple[Habilitation, ...]]],
) -> None:
    world, was_managed = World(), False
    for step in steps:
        _act(world, *step)
        mains = {name for name, each in world.accounts.items() if _is_main(each)}

        assert world.roster.main_managers == mains
        assert mains or not was_managed, step
        was_managed = bool(mains)


@given(st.lists(_steps, max_size=30))
@settings(max_examples=60, deadline=None)
def test_nobody_may_do_more_unless_who_decides_has_acted(
    steps: list[tuple[str, str, str, ManagerRole | None, tuple[Habilitation, ...]]],
) -> None:
    world = World()
    _act(world, "appoint", "a", "a", None, ())
    for step in steps:
        before = replace(world, accounts=dict(world.accounts), requests=dict(world.requests))
        act, by, user, _, _ = step
        _act(world, *step)

        for name in USERS:
            if not _is_more(before.accounts[name], world.accounts[name]):
                continue
            assert name == user, step
            decider = before.accounts[user if act == "request" else by]
            assert act not in {"wait", "ask", "leave", "end", "refuse", "withdraw_request"}, step
            assert _decides(decider), step
            if act == "manager":
                assert _is_main(decider), step


@given(st.lists(_steps, max_size=30))
@settings(max_examples=40, deadline=None)
def test_versions_only_rise(
    steps: list[tuple[str, str, str, ManagerRole | None, tuple[Habilitation, ...]]],
) -> None:
    world = World()
    for step in steps:
        before = dict(world.accounts)
        roster = world.roster
        _act(world, *step)

        for name in USERS:
            after = world.accounts[name]
            if step[0] == "wait":
                assert _hold(after) == _hold(before[name])
                continue
            changes = after != before[name]
            assert after.version == before[name].version + changes, step
        assert world.roster.version in {roster.version, roster.version + 1}
