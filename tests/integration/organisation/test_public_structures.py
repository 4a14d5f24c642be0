"""A private structure becomes public: by the route of an operator, and by the command."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from deploy.local import Addresses
from services.organisation.__main__ import app
from shared.contracts.envelope import Event
from shared.contracts.organisation_v1 import StructureChanged
from shared.contracts.topics import STRUCTURE
from tests.integration.organisation.people import Signed
from tests.kit.access import get_access
from tests.kit.topics import read_until


async def run(addresses: Addresses, *arguments: str) -> Result:
    """Run a command as an operator does; it has an event loop of its own."""
    environment = {"AIGUILLAGE_MONGO": addresses.mongo}
    invoke = CliRunner().invoke
    return await asyncio.to_thread(lambda: invoke(app, list(arguments), env=environment))


@pytest.fixture
async def chief(http: httpx.AsyncClient, siret: str) -> Signed:
    """Create a private structure with a main and a secondary manager; give the main one."""
    kit, name = get_access(), f"chef-{siret}@exemple.fr"
    declared = {
        "identifier_type": "SIRET",
        "identifier": siret,
        "name": "SPL du Rhône",
        "kind": "PRIVEE",
    }
    await Signed(http, kit, name, siret=siret).do("PUT", f"/structures/{siret}", json=declared)
    chief = Signed(http, kit, name, siret, siret)
    second = Signed(http, kit, f"adjointe-{siret}@exemple.fr")
    asked = await second.do("POST", f"/structures/{siret}/attachments")
    await chief.do(
        "POST",
        f"/structures/{siret}/attachments/{asked['user_id']}/decision",
        json={"decision": "approuver", "manager": "secondaire"},
    )
    return chief


async def list_managers(chief: Signed) -> Mapping[str, bool]:
    """List the managers, and whether their account on the PIGP is recorded."""
    listed = await chief.do("GET", f"/structures/{chief.structure}/attachments")
    return {
        each["user_id"]: each["has_public_management_account"]
        for each in listed["attachments"]
        if each["manager"]
    }


async def record(chief: Signed, user: str, *, held: bool) -> dict[str, Any]:
    path = f"/structures/{chief.structure}/attachments/{user}/public-management-account"
    return await chief.do("PUT", path, json={"held": held})


async def identify(chief: Signed, **body: str) -> httpx.Response:
    """Change the identity of the structure, as an operator."""
    return await chief.http.patch(
        f"/structures/{chief.structure}/identity",
        json=body,
        headers=get_access().operator_headers(),
    )


async def test_an_operator_turns_a_structure_public_once_its_managers_are_ready(
    chief: Signed, addresses: Addresses
) -> None:
    users = list(await list_managers(chief))
    assert len(users) == 2
    as_moa = {"json": {"moa": "avec"}}
    parameters = f"/structures/{chief.structure}/parameters"
    assert await chief.fail("PATCH", parameters, **as_moa) == (422, "ORG-PARAMETRE-01")

    await record(chief, users[0], held=True)
    early = await identify(chief, kind="PUBLIQUE", ticket="T-12")
    own = await chief.fail(
        "PATCH", f"/structures/{chief.structure}/identity", json={"kind": "PUBLIQUE"}
    )
    await record(chief, users[1], held=True)
    turned = await identify(chief, kind="PUBLIQUE", ticket="T-12")
    again = await identify(chief, kind="PUBLIQUE", ticket="T-12")

    assert (early.status_code, early.json()["code"]) == (422, "ORG-TYPE-02")
    assert users[1] in early.json()["detail"]
    assert users[0] not in early.json()["detail"]
    assert own == (403, "HTTP-DROIT-05")
    assert (turned.status_code, turned.json()["kind"]) == (200, "PUBLIQUE")
    assert again.json() == turned.json()
    assert (await chief.do("PATCH", parameters, **as_moa))["parameters"]["moa"] == "avec"
    values = await read_until(
        addresses.kafka, STRUCTURE, lambda record: record.key.decode() == chief.structure, 3
    )
    states = [Event[StructureChanged].model_validate_json(each).data for each in values]
    assert [each.kind for each in states] == ["PRIVEE", "PUBLIQUE", "PUBLIQUE"]
    trail = await chief.do("GET", f"/structures/{chief.structure}/audit?limit=200")
    told = {each["act"]: each["details"] for each in trail["entries"]}
    assert told["rattachement.compte_pigp"] == {"compte": users[1], "detenu": True}
    changes = [each for each in trail["entries"] if "ticket" in each["details"]]
    assert [(each["act"], each["details"]["ticket"]) for each in changes] == [
        ("structure.modifiee", "T-12")
    ]


async def test_the_command_turns_a_structure_public_once_its_managers_are_ready(
    chief: Signed, addresses: Addresses
) -> None:
    structure = str(chief.structure)
    users = list(await list_managers(chief))
    for each in users:
        await record(chief, each, held=True)
    await record(chief, users[1], held=False)

    early = await run(addresses, "turn-public", structure, "--ticket", "T-13")
    await record(chief, users[1], held=True)
    turned = await run(addresses, "turn-public", structure, "--ticket", "T-13")
    again = await run(addresses, "turn-public", structure, "--ticket", "T-13")

    assert (early.exit_code, users[1] in early.output) == (1, True), early.output
    assert "ORG-TYPE-02" in early.output
    assert (turned.exit_code, turned.stdout) == (0, f"structure {structure}: public, version 2\n")
    assert (again.exit_code, again.stdout) == (turned.exit_code, turned.stdout)
    read = await chief.do("GET", f"/structures/{structure}")
    assert (read["kind"], read["version"]) == ("PUBLIQUE", 2)
    trail = await chief.do("GET", f"/structures/{structure}/audit?limit=200")
    assert [
        (each["by"], each["details"]["ticket"])
        for each in trail["entries"]
        if each["act"] == "structure.modifiee"
    ] == [("plateforme", "T-13")]
    verified = await run(addresses, "verify-audit", structure, *users)
    assert verified.stdout.endswith("3 chains, 0 with a fault\n"), verified.output


async def test_the_command_says_that_there_is_no_such_structure(
    addresses: Addresses, siret: str
) -> None:
    outcome = await run(addresses, "turn-public", siret, "--ticket", "T-14")

    assert (outcome.exit_code, f"no structure {siret}" in outcome.output) == (1, True)


async def test_an_operator_records_an_account_too(chief: Signed) -> None:
    user = next(iter(await list_managers(chief)))

    answer = await chief.http.put(
        f"/structures/{chief.structure}/attachments/{user}/public-management-account",
        json={"held": True},
        headers=get_access().operator_headers(),
    )

    assert (answer.status_code, answer.json()["has_public_management_account"]) == (200, True)
