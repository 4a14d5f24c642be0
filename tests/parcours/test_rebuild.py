"""Every read model of every service is emptied and rebuilt by the command, under traffic."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from deploy.local.demo.structures import TITULAIRE
from deploy.local.platform import Platform
from deploy.local.programs import ROOT
from shared.runtime.store.database import Document
from tests.parcours.clients import Retries
from tests.parcours.ledger import settle
from tests.parcours.platforms import needs_kafka, run_platform
from tests.parcours.support_model import train_support
from tests.parcours.traffic import open_traffic

_RIGHTS: Mapping[str, Mapping[str, str]] = {"structures": {}, "principals": {}}
"""What every service reads to decide about a caller."""
READ_MODELS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "deposit": {**_RIGHTS, "dossiers": {}},
    "routing": _RIGHTS,
    "notification": _RIGHTS,
    "portal": {**_RIGHTS, "dossiers": {"pieces": "dossier_id"}},
    "support": _RIGHTS,
    "organisation": {"principals": {}},
}
"""Read models of each service: where the states are, and what else is written of an entity."""
PIECES = 40
"""Pieces that move before anything is emptied, at least."""
PIECES_EACH = 15
"""Pieces that move while each service is rebuilt, and just after, at least."""
QUIET = replace(TITULAIRE, siret="90000000900010")
"""A structure that nobody changes: traffic gives all others new names."""
_PAUSE_S = 0.1

Dump = dict[str, dict[str, list[Document]]]
"""The documents of each entity, the state first, by collection of the states."""


class Patience(Retries):
    """Transport of callers that ask again while a directory is empty: they may be refused then."""

    is_empty = False
    times = 0
    """Times that a directory was emptied: a request may be sent before, and judged after."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while True:
            was_empty, times = Patience.is_empty, Patience.times
            response = await super().handle_async_request(request)
            is_excused = was_empty or times != Patience.times
            if not (response.is_client_error and is_excused):
                return response
            await response.aclose()
            await asyncio.sleep(_PAUSE_S)


@needs_kafka
async def test_read_models_are_rebuilt_while_dossiers_move(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = train_support(tmp_path)
    said: list[str] = []
    async with (
        run_platform(tmp_path) as platform,
        open_traffic(platform, transport=Patience) as traffic,
    ):
        await traffic.context.build_member(QUIET).declare(QUIET.build_declaration())
        async with traffic.flow():
            traffic.begin_phase("before")
            await traffic.move(PIECES)
            before = dump(platform)
            for name in READ_MODELS:
                traffic.begin_phase(f"at {name}")
                Patience.is_empty = True
                Patience.times += 1
                await asyncio.to_thread(empty, platform, name)
                said += await rebuild(platform, env, name, expected=0)
                Patience.is_empty = False
                assert traffic.moved[f"at {name}"], "nothing moved meanwhile"
                await traffic.move(PIECES_EACH)
        findings = await settle(platform, traffic)
        after = dump(platform)

    still = [*find_still(before, after)]
    with capsys.disabled():
        print("", *said, sep="\n")
        print(f"rebuild: {traffic.describe()}, {findings.describe()}; {len(still)} stood still")
    assert findings.list_wrong() == []
    assert [*find_differences(before, after)] == []
    assert {name.partition(" ")[0] for name in still} == set(READ_MODELS)
    assert len([name for name in still if name.startswith("portal dossiers")]) > 1


async def rebuild(
    platform: Platform, env: Mapping[str, str], service: str, *, expected: int
) -> list[str]:
    """Run `rebuild` of a service as an operator does; return the lines that it printed."""
    addresses = {
        "AIGUILLAGE_KAFKA": platform.addresses.kafka,
        "AIGUILLAGE_MONGO": platform.addresses.mongo,
    }
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}", "rebuild"),
        cwd=ROOT,
        env={"OMP_NUM_THREADS": "1", **env, **addresses},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await command.communicate()
    lines = output.decode().splitlines()
    assert command.returncode == expected, lines
    return [f"{service} {line}" for line in lines]


def empty(platform: Platform, service: str) -> None:
    """Delete every document of the read models of a service, however busy it is."""
    with MongoClient[Document](platform.addresses.mongo) as client:
        for states, parts in READ_MODELS[service].items():
            for name in (states, *parts):
                while not _delete_all(client, service, name):
                    pass


def _delete_all(client: "MongoClient[Document]", service: str, name: str) -> bool:
    try:
        client[service][name].delete_many({})
    except OperationFailure:  # a conflict with the live projection
        return False
    return True


def dump(platform: Platform) -> Dump:
    """Read all read models; a state before its parts, which may only be newer then."""
    found: Dump = {}
    with MongoClient[Document](platform.addresses.mongo) as client:
        for service, models in READ_MODELS.items():
            for states, parts in models.items():
                entities = {row["_id"]: [row] for row in client[service][states].find()}
                for name, field in parts.items():
                    for row in client[service][name].find().sort("_id", 1):
                        entities.setdefault(row[field], []).append(row)
                found[f"{service} {states}"] = entities
    return found


def find_still(before: Dump, after: Dump) -> Iterator[str]:
    """Find the entities that have the version that they had."""
    for name, entities in before.items():
        for entity, (state, *_) in entities.items():
            if after[name].get(entity, [{}])[0].get("version") == state["version"]:
                yield f"{name} {entity}"


def find_differences(before: Dump, after: Dump) -> Iterator[str]:
    """Find what is gone, older than it was, or of the same version and not the same."""
    still = set(find_still(before, after))
    for name, entities in before.items():
        for entity, documents in entities.items():
            now = after[name].get(entity)
            if now is None:
                yield f"{name} {entity} is gone"
            elif f"{name} {entity}" in still and now != documents:
                yield f"{name} {entity} was {documents} and is {now}"
            elif now[0]["version"] < documents[0]["version"]:
                yield f"{name} {entity} is older than it was"
