"""Registration of everybody in the scene of `make authz`: over HTTP, and by operators' commands."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient

from deploy.local import Addresses
from deploy.local.demo.structures import COTRAITANT, MAIRIE, MOE, TITULAIRE
from deploy.local.programs import ROOT
from shared.rights.model import PlatformRole
from tests.authz.callers import CallerKind
from tests.authz.people import MEMBERS, SCOPES, Member, list_members
from tests.authz.scene import Newcomer, PreparationError, Scene
from tests.authz.structures import NAMED, RHONE, TOWN
from tests.kit.waiting import wait_until

_MANAGERS = (CallerKind.MAIN_MANAGER, CallerKind.WRONG_STRUCTURE)
"""Those who declare the structures, of which they become the main managers."""
_COMMANDS = {PlatformRole.OPERATOR: "grant-operator", PlatformRole.DESK: "grant-desk"}


async def register_members(addresses: Addresses, scene: Scene) -> None:
    """Register everybody, and wait until every service knows who may do what."""
    for kind, declared in zip(_MANAGERS, ((TITULAIRE, MOE, MAIRIE), (COTRAITANT,)), strict=True):
        for each in declared:
            token = scene.tokens.sign(MEMBERS[kind].name, each.siret)
            await scene.declare(each, token)
    for member in list_members():
        await _register(member, addresses, scene)
    await _register_machine(scene)
    await _wait_until_known(addresses)


async def _register(member: Member, addresses: Addresses, scene: Scene) -> None:
    newcomer = await scene.sign_up(member.name)
    for role in member.roles:
        await _run_command(_COMMANDS[role], member.name, addresses)
    if member not in {MEMBERS[kind] for kind in _MANAGERS}:
        for structure in member.structures:
            await _attach(member, newcomer, structure, scene)


async def _attach(member: Member, newcomer: Newcomer, structure: str, scene: Scene) -> None:
    path = f"organisation/structures/{structure}/attachments"
    await newcomer.do("POST", path)
    role = next(role for role, named in NAMED.items() if named == structure)
    decision = {"decision": "approuver", "habilitations": member.habilitations}
    if member.manager:
        decision["manager"] = member.manager
    await scene.do(role, "POST", f"{path}/{newcomer.user_id}/decision", json=decision)
    if member is MEMBERS[CallerKind.REVOKED]:
        await scene.do(role, "DELETE", f"{path}/{newcomer.user_id}")


async def _register_machine(scene: Scene) -> None:
    """Create the program of both structures, with every scope."""
    made = await scene.do(
        "moa",
        "POST",
        f"organisation/structures/{TOWN}/machines",
        json={"name": "Progiciel", "scopes": list(SCOPES)},
    )
    client_id = str(made["client_id"])
    path = f"organisation/structures/{RHONE}/machines/{client_id}"
    await scene.do("titulaire", "PUT", path, json={"scopes": list(SCOPES)})
    scene.tokens.machine = (client_id, str(made["secret"]["secret"]))


async def _run_command(command: str, email: str, addresses: Addresses) -> None:
    """Run a command of operators, on the store of the platform."""
    env = dict(os.environ) | {"AIGUILLAGE_MONGO": addresses.mongo}  # noqa: TID251 - its own
    env |= {"AIGUILLAGE_KAFKA": addresses.kafka}
    program = [sys.executable, "-m", "services.organisation", command, email]
    process = await asyncio.create_subprocess_exec(
        *program,
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise PreparationError(f"{command} {email}: {said.decode()}")


async def _wait_until_known(addresses: Addresses) -> None:
    """Wait until every service has the principals that organisation has."""
    with MongoClient[dict[str, Any]](addresses.mongo) as client:

        def read(service: str) -> Mapping[str, int]:
            rows = client[service]["principals"].find()
            return {row["_id"]: row["version"] for row in rows}

        await wait_until(
            lambda: all(read(each) == read("organisation") for each in addresses.services),
            "all services know who may do what",
        )
