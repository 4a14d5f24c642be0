"""Two requests at once about one structure, on a real store: one is taken after the other."""

import asyncio
from dataclasses import replace

import pytest

from services.organisation.accounts.application.outcomes import Done
from services.organisation.accounts.application.ports import Search
from services.organisation.accounts.domain.accounts import AttachmentStatus
from services.organisation.accounts.domain.attachments import Approval
from services.organisation.accounts.domain.requests import HabilitationRequest, RequestStatus
from shared.rights.model import Habilitation, Level, ManagerRole
from shared.runtime.store.database import Store
from tests.integration.organisation.account_world import (
    LIMITS,
    SIRET,
    AccountWorld,
    a_person,
    sort_outcomes,
)

TRAVAUX = (Habilitation("factures_de_travaux", Level.MODIFICATION),)
MAIN = ManagerRole.PRINCIPAL


@pytest.fixture
async def world(store: Store) -> AccountWorld:
    built = AccountWorld(store)
    await built.prepare()
    await built.appoint("chef")
    return built


async def ask(world: AccountWorld, name: str) -> HabilitationRequest:
    asked = await world.requests.ask(a_person(name), SIRET, TRAVAUX, None)
    assert isinstance(asked, Done), asked
    return asked.value


async def test_of_two_main_managers_who_leave_at_once_one_stays(world: AccountWorld) -> None:
    await world.attach("adjointe", "chef", MAIN)

    left = await asyncio.gather(
        world.attachments.leave(a_person("chef"), SIRET),
        world.attachments.leave(a_person("adjointe"), SIRET),
    )

    assert sort_outcomes(left) == ["ORG-GESTIONNAIRE-01", "done"]
    managers = [
        name
        for name in ("chef", "adjointe")
        if (found := (await world.find(name)).find_active(SIRET)) and found.manager is MAIN
    ]
    assert len(managers) == 1
    assert len((await world.read_roster()).main_managers) == 1
    await world.verify()


async def test_of_two_main_managers_who_end_one_another_one_stays(world: AccountWorld) -> None:
    chef, deputy = await world.find("chef"), await world.attach("adjointe", "chef", MAIN)

    ended = await asyncio.gather(
        world.attachments.end(a_person("chef"), SIRET, deputy.id),
        world.attachments.set_manager(a_person("adjointe"), SIRET, chef.id, None),
    )

    # Who comes second decides no more.
    assert "done" in sort_outcomes(ended)
    assert sort_outcomes(ended)[0] in {"ORG-DECISION-01", "ORG-DECISION-02"}
    assert len((await world.read_roster()).main_managers) == 1


async def test_an_invitation_accepted_twice_at_once_attaches_once(world: AccountWorld) -> None:
    await world.invitations.invite(a_person("chef"), SIRET, "marie@vaubrun.fr", Approval(), None)

    accepted = await asyncio.gather(
        *(world.invitations.accept(a_person("marie"), world.tokens[-1], None) for _ in range(4))
    )

    assert sort_outcomes(accepted) == ["ORG-LIEN-01"] * 3 + ["done"]
    marie = await world.find("marie")
    assert [each.version for each in marie.attachments] == [1]
    acts = [each.entry.act for each in await world.trail.list(SIRET, 0, 50)]
    assert acts.count("rattachement.invite") == 1


async def test_an_invitation_accepted_while_it_is_taken_back_is_one_or_the_other(
    world: AccountWorld,
) -> None:
    invited = await world.invitations.invite(
        a_person("chef"), SIRET, "marie@vaubrun.fr", Approval(), None
    )
    assert isinstance(invited, Done)

    accepted, taken = await asyncio.gather(
        world.invitations.accept(a_person("marie"), world.tokens[-1], None),
        world.invitations.withdraw(a_person("chef"), SIRET, invited.value.id),
    )

    assert isinstance(accepted, Done) is not isinstance(taken, Done)


async def test_a_request_decided_twice_at_once_is_decided_once(world: AccountWorld) -> None:
    await world.attach("adjointe", "chef", MAIN)
    await world.attachments.ask(a_person("marie"), SIRET, None)
    marie = await world.find("marie")

    decided = await asyncio.gather(
        world.attachments.approve(a_person("chef"), SIRET, marie.id, Approval(), None),
        world.attachments.refuse(a_person("adjointe"), SIRET, marie.id, "inconnue", None),
    )

    assert sort_outcomes(decided) == ["ORG-DECISION-03", "done"]
    attachment = (await world.find("marie")).find(SIRET)
    assert attachment is not None
    is_approved = isinstance(decided[0], Done)
    assert attachment.status is (
        AttachmentStatus.VALIDEE if is_approved else AttachmentStatus.REFUSEE
    )
    assert attachment.version == 2


async def test_a_request_withdrawn_while_it_is_approved_is_one_or_the_other(
    world: AccountWorld,
) -> None:
    await world.attach("marie", "chef")
    request = await ask(world, "marie")

    withdrawn, approved = await asyncio.gather(
        world.requests.withdraw(a_person("marie"), request.id),
        world.requests.decide(a_person("chef"), SIRET, request.id, "", None, is_approved=True),
    )

    assert sort_outcomes([withdrawn, approved]) == ["ORG-DECISION-03", "done"]
    found = await world.accounts.list_requests(SIRET, None, _search())
    held = (await world.find("marie")).find_active(SIRET)
    assert held is not None
    is_approved = isinstance(approved, Done)
    assert [each.status for each in found] == [
        RequestStatus.VALIDEE if is_approved else RequestStatus.SUPPRIMEE
    ]
    assert (TRAVAUX[0] in held.habilitations) is is_approved


async def test_a_request_approved_while_its_user_is_dismissed_gives_nothing(
    world: AccountWorld,
) -> None:
    marie = await world.attach("marie", "chef")
    await world.attach("adjointe", "chef", MAIN)
    request = await ask(world, "marie")

    await asyncio.gather(
        world.attachments.end(a_person("adjointe"), SIRET, marie.id),
        world.requests.decide(a_person("chef"), SIRET, request.id, "", None, is_approved=True),
    )

    assert (await world.find("marie")).find_active(SIRET) is None
    assert [
        each.is_waiting for each in await world.accounts.list_requests(SIRET, None, _search())
    ] == [False]


async def test_a_right_that_is_withdrawn_decides_no_more(world: AccountWorld) -> None:
    deputy = await world.attach("adjointe", "chef", ManagerRole.SECONDAIRE)
    await world.attachments.ask(a_person("marie"), SIRET, None)
    marie = await world.find("marie")
    await world.attachments.set_habilitations(
        a_person("chef"), SIRET, deputy.id, (), lambda _: True
    )

    decided = await world.attachments.approve(
        a_person("adjointe"), SIRET, marie.id, Approval(), None
    )

    assert sort_outcomes([decided]) == ["ORG-DECISION-01"]


async def test_the_limit_of_what_waits_holds_for_those_who_ask_at_once(store: Store) -> None:
    world = AccountWorld(store, replace(LIMITS, waiting=2))
    await world.prepare()
    await world.appoint("chef")

    asked = await asyncio.gather(
        *(world.attachments.ask(a_person(f"p{rank}"), SIRET, None) for rank in range(5))
    )

    assert sort_outcomes(asked) == ["ORG-DEMANDE-01"] * 3 + ["done"] * 2


async def test_a_person_who_registers_twice_at_once_has_one_account(world: AccountWorld) -> None:
    registered = await asyncio.gather(
        *(world.registrations.register(a_person("marie"), None, None) for _ in range(4))
    )

    assert sort_outcomes(registered) == ["done"] * 4
    assert len({each.value.id for each in registered if isinstance(each, Done)}) == 1


async def test_two_who_create_one_structure_at_once_are_not_both_its_first_manager(
    store: Store,
) -> None:
    world = AccountWorld(store)
    await world.prepare()

    appointed = await asyncio.gather(
        *(
            world.accounts.change(
                lambda change, name=name: world.registrations.appoint(  # type: ignore[misc]
                    change, a_person(name), SIRET
                )
            )
            for name in ("chef", "adjointe")
        )
    )

    assert sorted(isinstance(each, str) for each in appointed) == [False, True]
    assert len((await world.read_roster()).main_managers) == 1


def _search() -> Search:
    return Search()
