"""Fixtures that requests refer to: structures, dossiers, tickets, and their ids."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

import httpx

from deploy.local.demo.actor import NEEDED_SERVICES, Services
from deploy.local.demo.context import DemoContext, register_structures
from deploy.local.demo.pieces import write_cii, write_factur_x, write_ubl
from deploy.local.demo.structures import ONE_SIRET, STRUCTURES, TWO_SIRETS, WITHOUT_MOA
from deploy.local.demo_support.context import OPERATOR as DESK_AGENT
from deploy.local.platform import Platform
from deploy.local.sign_in import SignIn, grant_desk
from shared.contracts.public_paths import build_public_path
from shared.runtime.clock import build_clock
from shared.vocabulary.roles import Role
from shared.vocabulary.tickets import Desk
from tests.fuzz.faults import SLOW_S
from tests.kit.waiting import scale_timeout

_KEPT = 100
_FROM_DESK = 0.25
_IDS = {"piece_id", "dossier_id", "ticket_id", "conversation_id", "chat_id", "sha256", "after"}
_CONVERSATIONS = build_public_path("support", "agent")


@dataclass(frozen=True, slots=True)
class Thing:
    """Value of a parameter, and the headers of a caller who may use it."""

    value: str
    headers: Mapping[str, str]


class Known:
    """Known ids, by the name of the parameter that takes them; more are learned from answers."""

    def __init__(self, sign_in: SignIn | None = None) -> None:
        """Start with the structures of the demo, codes of services and codes of articles.

        Without `sign_in` there are no callers.
        """
        self._sign_in = sign_in
        self._things: dict[str, list[Thing]] = defaultdict(list)
        for name, values in (
            ("structure_id", [member.siret for member in STRUCTURES]),
            ("code", ["VOIRIE", "PATRIMOINE", "delais", "statuts"]),
        ):
            self._things[name] = [Thing(value, {}) for value in values]

    def learn(self, answer: Any, path: str, headers: Mapping[str, str]) -> None:  # noqa: ANN401
        """Keep the ids that an answer holds, with the headers of its request."""
        if isinstance(answer, list):
            for each in answer:
                self.learn(each, path, headers)
        elif isinstance(answer, dict):
            if "token" in answer:
                of = "conversation" if path.startswith(_CONVERSATIONS) else "ticket"
                headers = {**headers, f"x-{of}-token": str(answer["token"])}
            for key, value in answer.items():
                name = "after" if key == "next" else key
                if isinstance(value, str) and name in _IDS:
                    self._keep(name, Thing(value, headers))
                else:
                    self.learn(value, path, headers)

    def choose(self, rng: Random, name: str) -> Thing | None:
        """Choose a value for a parameter; None when none is known."""
        things = self._things.get(name)
        return rng.choice(things) if things else None

    def choose_caller(self, rng: Random) -> dict[str, str]:
        """Choose the headers of a caller: a structure in a role, or an agent of a desk."""
        if self._sign_in is None:
            return {}
        structure = rng.choice(STRUCTURES)
        if rng.random() < _FROM_DESK:
            agent = (structure.user, Desk.METIER, structure.siret)
            chosen = rng.choice((agent, (DESK_AGENT, Desk.TECHNIQUE, None)))
            return self._sign_in.build_desk_headers(*chosen)
        role = rng.choice(list(Role))
        return self._sign_in.build_headers(structure.user, structure.siret, role)

    def _keep(self, name: str, thing: Thing) -> None:
        things = self._things[name]
        if thing not in things:
            things.append(thing)
            del things[:-_KEPT]


@asynccontextmanager
async def open_scene(platform: Platform, first: int = 1) -> AsyncIterator[DemoContext]:
    """Open a context of the demo on a running platform, with its structures declared.

    `first` is the number of its first piece: one used before would be answered by that piece.
    """
    async with AsyncExitStack() as stack:
        urls = platform.addresses.services
        clients = {
            name: await stack.enter_async_context(
                httpx.AsyncClient(base_url=urls[name], timeout=scale_timeout(4 * SLOW_S))
            )
            for name in (each.rpartition(".")[2] for each in NEEDED_SERVICES)
        }
        scene = DemoContext(
            Services(**clients), SignIn(platform), build_clock()().date(), _numbers=count(first)
        )
        await register_structures(scene)
        yield scene


async def furnish(platform: Platform) -> Known:
    """Open and follow some dossiers, and learn their ids."""
    await asyncio.to_thread(grant_desk, platform, DESK_AGENT)
    async with open_scene(platform) as scene:
        known = Known(scene.sign_in)
        for marche, write in (
            (ONE_SIRET, write_ubl),
            (TWO_SIRETS, write_cii),
            (WITHOUT_MOA, write_factur_x),
        ):
            opened = await scene.open("A4", marche, write)
            followed = await scene.follow(opened, marche)
            for answer, role in ((opened, Role.TITULAIRE), (followed, Role.MOE)):
                known.learn(answer, "/pieces", scene.build_actor(role, marche).headers)
    return known
