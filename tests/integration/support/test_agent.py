"""The virtual agent on the real platform: what it answers, looks up, passes on, declines."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import Platform, choose
from deploy.local.demo.actor import Services
from deploy.local.demo.context import DemoContext, build_opening, register_structures
from deploy.local.demo.pieces import write_ubl
from deploy.local.demo.structures import MAIRIE, STRUCTURES, TWO_SIRETS
from deploy.local.sign_in import SignIn
from shared.contracts.topics import ACTIVATION
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from tests.kit.waiting import scale_timeout, wait_until

MARCHE = TWO_SIRETS
PARTS = (
    "services.organisation",
    "services.deposit",
    "services.routing",
    "services.portal",
    "services.support",
)


@dataclass
class Talk:
    """A conversation, led with or without an account."""

    http: httpx.AsyncClient
    id: str
    headers: Mapping[str, str]

    @classmethod
    async def begin(cls, http: httpx.AsyncClient, who: Mapping[str, str] | None = None) -> "Talk":
        answer = await http.post("/agent/conversations", headers=who or {})
        assert answer.status_code == 201, answer.text
        body = answer.json()
        return cls(http, body["conversation_id"], who or {"X-Conversation-Token": body["token"]})

    async def try_say(self, text: str) -> httpx.Response:
        url = f"/agent/conversations/{self.id}/messages"
        return await self.http.post(url, json={"text": text}, headers=self.headers)

    async def say(self, text: str) -> dict[str, Any]:
        answer = await self.try_say(text)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def get(self, what: str = "") -> httpx.Response:
        return await self.http.get(f"/agent/conversations/{self.id}{what}", headers=self.headers)


@dataclass
class World:
    platform: Platform
    scene: DemoContext
    support: httpx.AsyncClient
    number: str

    def headers(self, role: Role) -> Mapping[str, str]:
        return self.scene.build_actor(role, MARCHE).headers

    @property
    def stranger(self) -> Mapping[str, str]:
        """Headers of who signs in for a structure that is no party."""
        return self.scene.build_member(MAIRIE).headers


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world() -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        platform = stack.enter_context(Platform(choose().backend, services=PARTS))
        clients = {
            name: await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=scale_timeout(60))
            )
            for name, url in platform.addresses.services.items()
        }
        support, portal = clients.pop("support"), clients.pop("portal")
        scene = DemoContext(
            Services(notification=portal, **clients), SignIn(platform), build_clock()().date()
        )
        await register_structures(scene)
        draft = scene.build_draft("A4", MARCHE)
        supplier = scene.build_actor(Role.TITULAIRE, MARCHE)
        await supplier.wait_until_accepted(
            write_ubl(draft), build_opening(draft, MARCHE, write_ubl)
        )
        opened = await scene.open("A4", MARCHE, write_ubl)

        async def is_seen() -> bool:
            found = await portal.get("/pieces", headers=supplier.headers)
            return [each["status"] for each in found.json().get("pieces", ())] == ["A_ASSOCIER_MOE"]

        await wait_until(is_seen, "the portal shows the piece", 30)
        for each in STRUCTURES:
            headers = scene.build_member(each).headers

            async def is_known(headers: Mapping[str, str] = headers) -> bool:
                return (await support.get("/tickets", headers=headers)).is_success

            await wait_until(is_known, f"support knows who signs in for {each.name}", 30)
        yield World(platform, scene, support, opened["number"])


async def test_an_answer_is_a_passage_of_the_article_it_cites(world: World) -> None:
    talk = await Talk.begin(world.support)

    said = await talk.say("ma pièce est suspendu, que dois-je faire ?")

    assert (said["kind"], said["citation"]["code"]) == ("article", "suspension")
    link = said["citation"]["link"]
    article = (await world.support.get(world.support.base_url.join(link))).json()
    assert said["answer"] in [each["text"] for each in article["passages"]]
    assert (said["person"], said["ticket"]) == (None, None)


async def test_what_no_article_speaks_of_is_declined_with_a_person_and_a_ticket(
    world: World,
) -> None:
    talk = await Talk.begin(world.support)
    await talk.say("quels sont les motifs de refus ?")

    said = await talk.say("quelle est la recette de la tarte aux pommes ?")

    assert (said["kind"], said["citation"]) == ("incertain", None)
    assert "ne rien inventer" in said["answer"]
    assert said["person"].keys() == {"is_open", "opens_at"}
    ticket = said["ticket"]
    assert ticket["title"] == "quelle est la recette de la tarte aux pommes ?"
    assert "Vous : quelle est la recette" in ticket["description"]
    assert (await talk.get("/ticket")).json() == ticket


async def test_a_prefilled_ticket_is_taken_as_a_draft(world: World) -> None:
    who = world.headers(Role.TITULAIRE)
    talk = await Talk.begin(world.support, who)
    said = await talk.say("je voudrais ouvrir un ticket")

    drafted = await world.support.post("/tickets", json=said["ticket"], headers=who)

    assert drafted.status_code == 201, drafted.text


@pytest.mark.parametrize("form", ["{0}", "facture {1} svp", "n° {2}"])
async def test_the_caller_s_own_piece_is_looked_up(world: World, form: str) -> None:
    number = world.number
    talk = await Talk.begin(world.support, world.headers(Role.TITULAIRE))
    forms = (number, number.replace("-", " "), number.lower())

    said = await talk.say(f"où en est ma facture {form.format(*forms)} ?")

    assert said["kind"] == "piece", said
    assert f"La pièce {number} (A4, projet de décompte mensuel)" in said["answer"]
    assert "« À associer par la maîtrise d'œuvre » depuis le " in said["answer"]
    assert "Est attendu : la maîtrise d'œuvre (" in said["answer"]
    assert "Prochaine étape : déposer la pièce suivante" in said["answer"]
    assert "Échéance : " in said["answer"]


async def test_the_one_awaited_is_told_so(world: World) -> None:
    talk = await Talk.begin(world.support, world.headers(Role.MOE))

    assert "c'est vous" in (await talk.say(f"statut de {world.number}"))["answer"]


@pytest.mark.parametrize("who", ["another structure", None], ids=str)
async def test_nobody_else_learns_of_a_piece(world: World, who: str | None) -> None:
    talk = await Talk.begin(world.support, world.stranger if who else None)

    said = await talk.say(f"où en est ma facture {world.number} ?")

    assert said["kind"] == ("piece_introuvable" if who else "sans_compte")
    assert "maîtrise d'œuvre" not in said["answer"]
    assert said["ticket"]["piece"] == world.number
    assert said["ticket"]["sub_category"] == "SUIVI"


async def test_a_piece_that_another_has_followed_leads_to_it(world: World) -> None:
    opened = await world.scene.open("A4", MARCHE, write_ubl)
    follower = await world.scene.follow(opened, MARCHE)
    talk = await Talk.begin(world.support, world.headers(Role.TITULAIRE))
    heard = ""

    async def is_followed() -> bool:
        nonlocal heard
        heard = (await talk.say(f"où en est {opened['number']} ?"))["answer"]
        return "« Associée" in heard

    await wait_until(is_followed, "the portal shows the piece that follows", 30)
    assert f"La dernière pièce du dossier, {follower['number']} (A15, " in heard
    assert "Est attendu : la maîtrise d'ouvrage" in heard


async def test_a_request_for_an_activation_link_is_passed_on_once(world: World) -> None:
    email = f"{new_id()}@exemple.fr"
    talk = await Talk.begin(world.support)

    asked = await talk.say("mon lien d'activation a expiré")
    wrong = await talk.say("jean(at)exemple")
    await talk.say("renvoyez le lien d'activation")
    confirms = await talk.say(f"c'est {email}")
    passed = await talk.say("oui")
    again = await talk.say(f"renvoyez le lien d'activation à autre-{email}")

    assert (asked["kind"], asked["citation"]["code"]) == (
        "activation_adresse",
        "activation-connexion",
    )
    assert wrong["kind"] == "incertain"
    assert confirms["kind"] == "activation_a_confirmer"
    assert email in confirms["answer"]
    assert passed["kind"] == "activation_transmise"
    assert again["kind"] == "activation_refusee"
    told = await _told(world.platform.addresses.kafka, email)
    assert [each["type"] for each in told] == ["fr.aiguillage.activation.demandee.v1"]
    assert told[0]["data"]["email"] == email


@pytest.mark.parametrize(
    "said",
    [
        ["J'ai reçu un mail de {0} sur l'activité du chantier", "oui"],
        ["je ne veux surtout pas de lien d'activation pour {0}", "oui"],
        ["lien d'activation pour {0}", "non", "oui"],
        ["lien d'activation pour {0}", "quels sont les motifs de refus ?", "oui"],
        ["lien d'activation pour {0}", "merci"],
        ["oui", "d'accord"],
    ],
)
async def test_no_link_is_asked_for_without_a_yes(world: World, said: list[str]) -> None:
    email, witness = f"{new_id()}@exemple.fr", f"{new_id()}@exemple.fr"
    talk = await Talk.begin(world.support, world.stranger)

    kinds = [(await talk.say(each.format(email)))["kind"] for each in said]
    await talk.say(f"lien d'activation pour {witness}")
    last = await talk.say("oui")

    assert "activation_transmise" not in kinds
    assert last["kind"] == "activation_transmise"
    told = await _told(world.platform.addresses.kafka, witness)
    assert [each["data"]["email"] for each in told] == [witness]
    assert await _told(world.platform.addresses.kafka, email, expected=0) == []


async def test_a_wrong_address_is_put_right_before_it_is_passed_on(world: World) -> None:
    wrong, right = f"{new_id()}@exemple.fr", f"{new_id()}@exemple.fr"
    talk = await Talk.begin(world.support, world.stranger)

    await talk.say(f"lien d'activation pour {wrong}")
    again = await talk.say(f"non, c'est {right}")
    passed = await talk.say("oui merci")

    assert right in again["answer"]
    assert passed["kind"] == "activation_transmise"
    told = await _told(world.platform.addresses.kafka, right)
    assert [each["data"]["email"] for each in told] == [right]


async def test_links_for_an_address_are_few(world: World) -> None:
    email = f"{new_id()}@exemple.fr"
    kinds = []
    for _ in range(6):
        talk = await Talk.begin(world.support)
        await talk.say(f"lien d'activation pour {email}")
        kinds.append((await talk.say("oui"))["kind"])

    assert kinds == ["activation_transmise"] * 5 + ["activation_refusee"]


async def _told(kafka: str, email: str, expected: int = 1) -> list[dict[str, Any]]:
    """Read the requests for addresses that end so, until so many came, and a moment more."""
    found: list[dict[str, Any]] = []
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        parts = [TopicPartition(ACTIVATION.name, rank) for rank in range(ACTIVATION.partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)

        async def take() -> bool:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                events = [json.loads(record.value) for record in records]
                found.extend(each for each in events if each["data"]["email"].endswith(email))
            return len(found) >= expected

        await wait_until(take, "the request is told", 20)
        await take()
    return found


async def test_a_conversation_is_its_own_s_alone(world: World) -> None:
    own = await Talk.begin(world.support, world.headers(Role.TITULAIRE))
    open_ = await Talk.begin(world.support)
    await own.say("bonjour")
    others: list[tuple[str, Mapping[str, str]]] = [
        (own.id, world.stranger),
        (own.id, world.headers(Role.MOE)),
        (own.id, {}),
        (own.id, open_.headers),
        (open_.id, {}),
        (open_.id, {"X-Conversation-Token": "x"}),
        (open_.id, world.stranger),
    ]

    for conversation, headers in others:
        other = Talk(world.support, conversation, headers)
        assert (await other.get()).status_code == 404
        assert (await other.get("/ticket")).status_code == 404
        assert (await other.try_say("bonjour")).status_code == 404
    kept = (await own.get()).json()["turns"]
    assert [each["message"] for each in kept] == ["bonjour"]


async def test_markup_stays_text_and_what_cannot_be_shown_is_refused(world: World) -> None:
    talk = await Talk.begin(world.support)
    script = "<script>alert(1)</script> & <b>recyclage</b>"

    await talk.say(script)
    answers = [await talk.try_say(text) for text in ("", "x" * 1001, "a\x00b", "\u202eabc")]

    kept = await talk.get()
    assert [each["message"] for each in kept.json()["turns"]] == [script]
    assert kept.headers["content-type"] == "application/json"
    assert [each.json()["code"] for each in answers] == [
        "SUP-TEXTE-01",
        "SUP-TEXTE-02",
        "SUP-TEXTE-03",
        "SUP-TEXTE-03",
    ]


async def test_a_conversation_takes_so_many_messages(world: World) -> None:
    talk = await Talk.begin(world.support, world.stranger)
    for _ in range(100):
        await talk.say("merci")

    refused = await talk.try_say("merci")

    assert (refused.status_code, refused.json()["code"]) == (409, "SUP-AGENT-01")
    assert len((await talk.get()).json()["turns"]) == 100


async def test_an_article_that_does_not_exist_is_not_found(world: World) -> None:
    listed = (await world.support.get("/articles")).json()["articles"]

    assert len(listed) >= 24
    assert (await world.support.get("/articles/aucun")).status_code == 404


async def test_a_conversation_survives_a_restart_and_a_portal_that_is_away(world: World) -> None:
    talk = await Talk.begin(world.support, world.headers(Role.TITULAIRE))
    await talk.say("bonjour")
    world.platform.kill("portal")
    world.platform.kill("support")
    world.platform.restart("support")

    said = await talk.say(f"où en est {world.number} ?")

    assert said["kind"] == "portail_indisponible"
    assert said["ticket"]["piece"] == world.number
    world.platform.restart("portal")
    assert (await talk.say(f"où en est {world.number} ?"))["kind"] == "piece"
    assert [each["kind"] for each in (await talk.get()).json()["turns"]] == [
        "accueil",
        "portail_indisponible",
        "piece",
    ]


async def test_an_address_without_an_account_sends_so_many_messages_an_hour(world: World) -> None:
    # The last test: the address is over its limit afterwards.
    talk = await Talk.begin(world.support)
    refused = None
    for _ in range(201):
        if len((await talk.get()).json()["turns"]) > 90:
            opened = await world.support.post("/agent/conversations")
            if opened.status_code == 429:
                refused = opened
                break
            token = {"X-Conversation-Token": opened.json()["token"]}
            talk = Talk(world.support, opened.json()["conversation_id"], token)
        answer = await talk.try_say("merci")
        if answer.status_code == 429:
            refused = answer
            break

    assert refused is not None
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("SUP-AGENT-02", "3600")
    named = await Talk.begin(world.support, world.headers(Role.TITULAIRE))
    assert (await named.say("bonjour"))["kind"] == "accueil"
