"""Use cases of accounts on a real store: repeats, reminders, links, limits, what is told."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from services.organisation.accounts.application.outcomes import Done, Refused
from services.organisation.accounts.application.ports import Search
from services.organisation.accounts.domain.attachments import Approval
from services.organisation.audit.domain.entries import PLATFORM
from shared.rights.model import Habilitation, Level, ManagerRole, PlatformRole, PrincipalKind
from shared.runtime.store.database import Store
from shared.vocabulary.structures import StructureKind
from tests.integration.organisation.account_world import (
    LIMITS,
    NAME,
    SIRET,
    AccountWorld,
    a_person,
    sort_outcomes,
)
from tests.kit.outbox import read_outbox

TRAVAUX = (Habilitation("factures_de_travaux", Level.MODIFICATION),)
MAIN = ManagerRole.PRINCIPAL
HOUR = timedelta(hours=1)
OTHER = "21750001600019"


@dataclass(frozen=True)
class Proof:
    """File of a proof, as it is uploaded."""

    name: str = "kbis.pdf"
    content: bytes = b"%PDF-1.7\n%%EOF\n"

    @property
    def size_bytes(self) -> int:
        """Count the bytes."""
        return len(self.content)

    async def read_head(self, size: int) -> bytes:
        """Read the first bytes."""
        return self.content[:size]

    async def read(self) -> bytes:
        """Read the whole file."""
        return self.content


@pytest.fixture
async def world(store: Store) -> AccountWorld:
    built = AccountWorld(store)
    await built.prepare()
    await built.appoint("chef")
    return built


async def list_mails(world: AccountWorld) -> list[tuple[str, str]]:
    return [(each["to"], each["subject"]) for each in await world.list_mails()]


async def test_each_change_publishes_the_account_in_its_transaction(world: AccountWorld) -> None:
    await world.attach("marie", "chef")

    chef, marie = await world.find("chef"), await world.find("marie")
    told = [(row["key"], row["rank"]) for row in await read_outbox(world.store)]
    assert told == [(chef.id, 1), (chef.id, 2), (marie.id, 1), (marie.id, 2)]
    values = b"".join([row["value"] for row in await read_outbox(world.store)]).decode()
    assert "@" not in values
    assert "Marie" not in values
    await world.verify()


async def test_the_trail_tells_who_did_what_without_a_name(world: AccountWorld) -> None:
    marie = await world.attach("marie", "chef")
    await world.attachments.set_manager(a_person("chef"), SIRET, marie.id, ManagerRole.SECONDAIRE)

    chef = await world.find("chef")
    of_structure = [each.entry for each in await world.trail.list(SIRET, 0, 50)]
    of_marie = [each.entry for each in await world.trail.list(marie.id, 0, 50)]
    assert [(each.act, each.by) for each in of_structure] == [
        ("gestionnaire.premier", chef.id),
        ("invitation.envoyee", chef.id),
        ("rattachement.invite", marie.id),
        ("gestionnaire.change", chef.id),
    ]
    assert [each.act for each in of_marie] == [
        "compte.cree",
        "rattachement.invite",
        "gestionnaire.change",
    ]
    texts = str([(each.by, each.details) for each in (*of_structure, *of_marie)])
    assert "@" not in texts
    assert "Marie" not in texts


async def test_a_repeat_with_its_key_has_no_second_effect(world: AccountWorld) -> None:
    first = await world.attachments.ask(a_person("marie"), SIRET, "clé")
    await world.attachments.leave(a_person("marie"), SIRET)
    again = await world.attachments.ask(a_person("marie"), SIRET, "clé")
    # A key belongs to one person, and to one request.
    other = await world.attachments.ask(a_person("paul"), SIRET, "clé")
    misused = await world.registrations.register(a_person("marie"), "Marie", "clé")

    assert isinstance(first, Done)
    assert not first.is_replay
    assert isinstance(again, Done)
    assert again.is_replay
    assert again.value.attachment.status == "SUPPRIMEE"
    assert isinstance(other, Done)
    assert not other.is_replay
    assert sort_outcomes([misused]) == ["ORG-CLE-01"]


async def test_a_repeated_decision_is_answered_and_a_repeated_invitation_sends_one_mail(
    world: AccountWorld,
) -> None:
    await world.attachments.ask(a_person("marie"), SIRET, None)
    marie = await world.find("marie")
    given = (a_person("chef"), SIRET, marie.id, Approval(), "d1")
    decided = [await world.attachments.approve(*given) for _ in range(2)]
    invited = [
        await world.invitations.invite(a_person("chef"), SIRET, "paul@vaubrun.fr", Approval(), "i1")
        for _ in range(2)
    ]

    assert [isinstance(each, Done) and each.is_replay for each in decided] == [False, True]
    assert [isinstance(each, Done) and each.is_replay for each in invited] == [False, True]
    assert await list_mails(world) == [
        ("chef@vaubrun.fr", f"Demande de rattachement à {NAME}"),
        ("marie@vaubrun.fr", f"Votre demande de rattachement à {NAME}"),
        ("paul@vaubrun.fr", f"Invitation à rejoindre {NAME} sur Aiguillage"),
    ]


async def test_who_proves_the_siret_of_an_unmanaged_structure_is_its_first_main_manager(
    store: Store,
) -> None:
    world = AccountWorld(store)
    await world.prepare()
    proven = replace(a_person("marie"), siret=SIRET)

    unproven = await world.attachments.ask(a_person("paul"), SIRET, None)
    elsewhere = await world.attachments.ask(
        replace(a_person("paul"), siret="90000000100017"), SIRET, None
    )
    first = await world.attachments.ask(proven, SIRET, "clé")
    again = await world.attachments.ask(proven, SIRET, "clé")
    late = await world.attachments.ask(replace(a_person("zoé"), siret=SIRET), SIRET, None)

    assert sort_outcomes([unproven, elsewhere]) == ["ORG-RATTACHEMENT-03"] * 2
    assert isinstance(first, Done)
    assert (first.value.attachment.status, first.value.attachment.manager) == ("VALIDEE", MAIN)
    assert isinstance(again, Done)
    assert again.is_replay
    # Once somebody manages it, the SIRET gives nothing: its managers decide.
    assert isinstance(late, Done)
    assert late.value.attachment.status == "EN_COURS_DE_VALIDATION"
    assert (await world.read_roster()).main_managers == {first.value.account.id}
    await world.verify()


async def test_managers_are_reminded_of_what_waits_and_nothing_is_given(
    world: AccountWorld,
) -> None:
    await world.attach("adjointe", "chef", MAIN)
    await world.attach("paul", "chef")
    await world.attachments.ask(a_person("marie"), SIRET, None)
    await world.requests.ask(a_person("paul"), SIRET, TRAVAUX, None)
    before = [await world.find(name) for name in ("marie", "paul")]
    await world.store.collection("jobs").delete_many({})

    async def remind(after: timedelta) -> list[tuple[str, str]]:
        world.skew = after
        for structure in await world.accounts.find_due_structures(world.ports.clock()):
            await world.accounts.change(
                lambda change: world.reminders.remind(change, structure)  # noqa: B023 - at once
            )
        mails = await list_mails(world)
        await world.store.collection("jobs").delete_many({})
        return mails

    to_both = [
        (f"{name}@vaubrun.fr", f"Des demandes attendent dans {NAME}")
        for name in ("adjointe", "chef")
    ]
    assert await remind(timedelta(days=7) - HOUR) == []
    assert sorted(await remind(timedelta(days=7) + HOUR)) == to_both
    assert await remind(timedelta(days=8)) == []
    assert sorted(await remind(timedelta(days=15))) == to_both
    after = [await world.find(name) for name in ("marie", "paul")]
    assert [
        (each.status, each.habilitations, each.manager) for one in after for each in one.attachments
    ] == [
        (each.status, each.habilitations, each.manager)
        for one in before
        for each in one.attachments
    ]
    assert [each.version for each in after] == [each.version for each in before]


async def test_who_is_dismissed_has_no_request_that_waits(world: AccountWorld) -> None:
    await world.attach("paul", "chef")
    await world.requests.ask(a_person("paul"), SIRET, TRAVAUX, None)
    paul = await world.find("paul")

    await world.attachments.end(a_person("chef"), SIRET, paul.id)

    requests = await world.accounts.list_requests(SIRET, None, Search())
    assert [(each.status, each.decided_by) for each in requests] == [
        ("SUPPRIMEE", (await world.find("chef")).id)
    ]


async def test_an_invitation_is_for_the_address_that_it_names(world: AccountWorld) -> None:
    await world.invitations.invite(
        a_person("chef"), SIRET, " Marie@VAUBRUN.fr ", Approval(ManagerRole.SECONDAIRE), None
    )

    stranger = await world.invitations.accept(a_person("paul"), world.tokens[0], None)
    wrong = await world.invitations.accept(a_person("marie"), "jeton-9", None)
    joined = await world.invitations.accept(a_person("marie"), world.tokens[0], None)

    assert sort_outcomes([stranger, wrong]) == ["ORG-LIEN-01", "ORG-LIEN-01"]
    assert isinstance(joined, Done)
    assert joined.value.attachment.manager is ManagerRole.SECONDAIRE
    stored = [row async for row in world.store.collection("invitations").find({})]
    assert world.tokens[0] not in str(stored)


async def test_an_expired_invitation_says_so_to_whom_it_was_sent(world: AccountWorld) -> None:
    await world.invitations.invite(a_person("chef"), SIRET, "marie@vaubrun.fr", Approval(), None)
    world.skew = timedelta(hours=73)

    late = await world.invitations.accept(a_person("marie"), world.tokens[0], None)
    other = await world.invitations.accept(a_person("paul"), world.tokens[0], None)

    assert sort_outcomes([late]) == ["ORG-LIEN-02"]
    assert sort_outcomes([other]) == ["ORG-LIEN-01"]


async def test_a_second_invitation_ends_the_first(world: AccountWorld) -> None:
    for _ in range(2):
        await world.invitations.invite(
            a_person("chef"), SIRET, "marie@vaubrun.fr", Approval(), None
        )

    accepted = [
        await world.invitations.accept(a_person("marie"), token, None) for token in world.tokens
    ]

    assert [sort_outcomes([each]) for each in accepted] == [["ORG-LIEN-01"], ["done"]]


@pytest.mark.parametrize("given", [None, ManagerRole.SECONDAIRE, MAIN])
async def test_an_invitation_falls_with_the_right_of_who_sent_it(
    world: AccountWorld, given: ManagerRole | None
) -> None:
    adjointe = await world.attach("adjointe", "chef", MAIN)
    # To another address of the same person, or of an accomplice.
    await world.invitations.invite(
        a_person("adjointe"), SIRET, "bis@vaubrun.fr", Approval(given), None
    )
    await world.attachments.end(a_person("chef"), SIRET, adjointe.id)

    late = await world.invitations.accept(a_person("bis"), world.tokens[-1], None)

    assert sort_outcomes([late]) == ["ORG-INVITATION-04"]
    assert (await world.read_roster()).main_managers == {(await world.find("chef")).id}


async def test_who_names_managers_no_more_lets_in_users_only(world: AccountWorld) -> None:
    adjointe = await world.attach("adjointe", "chef", MAIN)
    for name, given in (("a", MAIN), ("b", ManagerRole.SECONDAIRE), ("c", None)):
        await world.invitations.invite(
            a_person("adjointe"), SIRET, f"{name}@vaubrun.fr", Approval(given), None
        )
    await world.attachments.set_manager(
        a_person("chef"), SIRET, adjointe.id, ManagerRole.SECONDAIRE
    )

    accepted = [
        await world.invitations.accept(a_person(name), token, None)
        for name, token in zip("abc", world.tokens[1:], strict=True)
    ]

    assert [sort_outcomes([each]) for each in accepted] == [
        ["ORG-INVITATION-04"],
        ["ORG-INVITATION-04"],
        ["done"],
    ]


async def test_an_invitation_ends_once_its_structure_has_decided_about_the_person(
    world: AccountWorld,
) -> None:
    """An invitation that waits lets nobody back in, nor into more than was decided since."""
    chef, invited = a_person("chef"), ("ended", "approved", "refused")
    for name in invited:
        await world.attachments.ask(a_person(name), SIRET, None)
        await world.invitations.invite(chef, SIRET, f"{name}@vaubrun.fr", Approval(MAIN), None)
    ids = {name: (await world.find(name)).id for name in invited}
    await world.attachments.approve(chef, SIRET, ids["approved"], Approval(), None)
    await world.attachments.leave(a_person("approved"), SIRET)
    await world.attachments.refuse(chef, SIRET, ids["refused"], "inconnu", None)
    await world.attachments.approve(chef, SIRET, ids["ended"], Approval(), None)
    await world.attachments.end(chef, SIRET, ids["ended"])

    accepted = [
        await world.invitations.accept(a_person(name), token, None)
        for name, token in zip(invited, world.tokens, strict=True)
    ]

    assert sort_outcomes(accepted) == ["ORG-LIEN-01"] * 3
    await world.verify()


async def test_nobody_joins_a_structure_that_was_closed_since(world: AccountWorld) -> None:
    await world.invitations.invite(a_person("chef"), SIRET, "marie@vaubrun.fr", Approval(), None)
    await world.store.collection("structures").update_one(
        {"_id": SIRET}, {"$set": {"status": "INACTIF"}}
    )

    late = await world.invitations.accept(a_person("marie"), world.tokens[0], None)

    assert sort_outcomes([late]) == ["ORG-RATTACHEMENT-05"]


async def test_a_key_of_one_structure_shows_nothing_of_it_through_another(
    world: AccountWorld,
) -> None:
    await world.prepare(OTHER)
    await world.appoint("chef", OTHER)
    await world.attach("paul", "chef")
    asked = await world.requests.ask(a_person("paul"), SIRET, TRAVAUX, None)
    assert isinstance(asked, Done)
    given = (asked.value.id, "", "clé")
    await world.requests.decide(a_person("chef"), SIRET, *given, is_approved=True)

    elsewhere = await world.requests.decide(a_person("chef"), OTHER, *given, is_approved=True)

    assert sort_outcomes([elsewhere]) == ["ORG-CLE-01"]


async def test_managers_read_the_address_of_who_asks_beside_the_name(world: AccountWorld) -> None:
    impostor = replace(a_person("mallory"), name="Claire Durand, maire")

    await world.attachments.ask(impostor, SIRET, None)

    (mail,) = await world.list_mails()
    assert "Claire Durand, maire (mallory@vaubrun.fr) demande" in mail["text"]


async def test_a_structure_of_another_kind_is_not_claimed(world: AccountWorld) -> None:
    """The directory says what a structure is, and not who asks to manage it."""
    await world.prepare(OTHER)
    supplier = replace(a_person("fournisseur"), kinds=frozenset({StructureKind.PRIVEE}))
    declared = {"identifier_type": "SIRET", "identifier": OTHER, "name": NAME, "kind": "PRIVEE"}

    asked = await world.claims.ask(supplier, OTHER, declared, Proof(), None)

    assert sort_outcomes([asked]) == ["ORG-DROIT-05"]


async def test_the_invitations_of_a_day_are_limited(store: Store) -> None:
    world = AccountWorld(store, replace(LIMITS, invitations_a_day=2))
    await world.prepare()
    await world.appoint("chef")

    async def invite(name: str) -> list[str]:
        address = f"{name}@vaubrun.fr"
        return sort_outcomes(
            [await world.invitations.invite(a_person("chef"), SIRET, address, Approval(), None)]
        )

    assert [await invite(name) for name in "abc"] == [["done"], ["done"], ["ORG-INVITATION-01"]]
    world.skew = timedelta(hours=25)
    assert await invite("c") == ["done"]


async def test_an_activation_link_registers_who_asked_once(world: AccountWorld) -> None:
    for rank in range(5):
        await world.accounts.change(
            lambda change: world.activations.send(
                change,
                f"demande-{rank}",  # noqa: B023 - at once
                "marie@vaubrun.fr",
                world.ports.clock(),
            )
        )

    # Three in a day, so that nobody floods a mailbox.
    assert await list_mails(world) == [("marie@vaubrun.fr", "Activer votre compte Aiguillage")] * 3
    other = await world.activations.activate(a_person("paul"), world.tokens[0], None)
    activated = await world.activations.activate(a_person("marie"), world.tokens[0], None)
    again = await world.activations.activate(a_person("marie"), world.tokens[0], None)
    assert sort_outcomes([other]) == sort_outcomes([again]) == ["ORG-LIEN-01"]
    assert isinstance(activated, Done)
    assert activated.value.email == "marie@vaubrun.fr"


async def test_a_request_of_a_link_that_comes_again_or_too_late_sends_nothing(
    world: AccountWorld,
) -> None:
    now = world.ports.clock()
    for request, at in (("d1", now), ("d1", now), ("d2", now - timedelta(hours=73))):
        await world.accounts.change(
            lambda change: world.activations.send(
                change,
                request,  # noqa: B023 - at once
                "marie@vaubrun.fr",
                at,  # noqa: B023 - at once
            )
        )

    assert len(await list_mails(world)) == 1


async def test_a_role_of_the_platform_is_given_by_command_and_told(world: AccountWorld) -> None:
    for is_held in (True, True, False):
        await world.registrations.set_platform_role(
            "Opératrice@vaubrun.fr", PlatformRole.OPERATOR, is_held=is_held
        )

    account = await world.find("Opératrice")
    assert account.platform_roles == frozenset()
    entries = [each.entry for each in await world.trail.list(account.id, 0, 10)]
    assert [(each.act, each.by) for each in entries[1:]] == [
        ("role.donne", PLATFORM),
        ("role.retire", PLATFORM),
    ]
    refused = await world.registrations.set_platform_role(
        "personne", PlatformRole.OPERATOR, is_held=True
    )
    assert getattr(refused, "code", None) == "ORG-COMPTE-01"


async def test_a_machine_asks_for_nothing_of_its_own(world: AccountWorld) -> None:
    machine = replace(a_person("x"), kind=PrincipalKind.MACHINE, email=None, client="m1")

    asked = await world.attachments.ask(machine, SIRET, None)

    assert isinstance(asked, Refused)
    assert asked.violations[0].code == "ORG-COMPTE-03"
