"""Loading SIRENE by the command of operators, beside a service that serves."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import Addresses
from tests.integration.organisation.test_structures import (
    acting,
    declaration,
    put,
    read_changes,
)
from tests.kit.waiting import scale_timeout

HEAD = (
    "siren,siret,numeroVoieEtablissement,typeVoieEtablissement,libelleVoieEtablissement,"
    "codePostalEtablissement,libelleCommuneEtablissement,etatAdministratifEtablissement,"
    "denominationUsuelleEtablissement\n"
)
_MEMORY = 400 * 2**20


def write_row(siret: str, state: str = "A", street: str = "DES TANNEURS") -> str:
    return f"{siret[:9]},{siret},12,RUE,{street},59000,VAUBRUN,{state},COMMUNE DE VAUBRUN\n"


def load(
    mongo: str, file: Path, *options: str, memory: int = resource.RLIM_INFINITY
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.organisation", "load-sirene", str(file)]
    return subprocess.run(
        [*command, "--mongo", mongo, *options],
        capture_output=True,
        text=True,
        timeout=scale_timeout(300),
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (memory, memory)),
    )


async def read(http: httpx.AsyncClient, path: str) -> Any:  # noqa: ANN401 - JSON
    answer = await http.get(f"/structures/{path}", headers=acting("somebody"))
    return answer.json()


async def test_a_file_is_loaded_once_and_closes_a_structure_while_the_service_serves(
    http: httpx.AsyncClient, addresses: Addresses, siret: str, tmp_path: Path
) -> None:
    await put(http, siret, declaration(siret))
    file = tmp_path / "sirene.csv"
    file.write_text(HEAD + write_row(siret) + f"{siret[:9]},{siret[:-1]}X,,,,,,A,\n")

    trial = load(addresses.mongo, file, "--dry-run")
    untouched = await read(http, siret)
    first, again = load(addresses.mongo, file), load(addresses.mongo, file)
    taken = await read(http, siret)
    known = await read(http, f"{siret}/sirene")
    file.write_text(HEAD + write_row(siret, "F"))
    closed = load(addresses.mongo, file)

    assert [each.returncode for each in (trial, first, again, closed)] == [1, 1, 1, 0]
    assert "line 3: siret is no SIRET" in first.stdout
    assert "0 new establishments, 0 changed" in again.stdout
    assert (untouched["version"], untouched["address"]) == (1, None)
    assert taken["address"] == known["address"]
    assert known["address"] == {
        "street": "12 RUE DES TANNEURS",
        "complement": "",
        "postal_code": "59000",
        "city": "VAUBRUN",
        "country": "FR",
    }
    assert (known["name"], known["closed"]) == ("COMMUNE DE VAUBRUN", False)
    events = await read_changes(addresses, siret, 3)
    assert [(each.version, each.status) for each in events] == [
        (1, "ACTIF"),
        (2, "ACTIF"),
        (3, "INACTIF"),
    ]
    assert events[1].address is not None
    assert events[1].address.street == "12 RUE DES TANNEURS"


async def test_an_address_of_a_manager_outlives_a_load(
    http: httpx.AsyncClient, addresses: Addresses, siret: str, tmp_path: Path
) -> None:
    own = {"street": "Service courrier", "city": "Vaubrun"}
    await put(http, siret, declaration(siret, address=own))
    file = tmp_path / "sirene.csv"

    for street in ("DES TANNEURS", "NEUVE"):
        file.write_text(HEAD + write_row(siret, street=street))
        assert load(addresses.mongo, file).returncode == 0

    assert (await read(http, siret))["address"]["street"] == "Service courrier"
    assert (await read(http, f"{siret}/sirene"))["address"]["street"] == "12 RUE NEUVE"


@pytest.mark.parametrize(("content", "status"), [("a,b\n1,2\n", 2), ("", 2), (HEAD, 0), (None, 2)])
def test_a_file_that_is_not_insee_s_is_refused(
    addresses: Addresses, tmp_path: Path, content: str | None, status: int
) -> None:
    file = tmp_path / "sirene.csv"
    if content is not None:
        file.write_text(content)

    assert load(addresses.mongo, file).returncode == status


def test_a_load_without_a_store_says_so(tmp_path: Path) -> None:
    file = tmp_path / "sirene.csv"
    file.write_text(HEAD)

    done = load("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500", file)

    assert done.returncode == 3
    assert "the store could not be asked" in done.stderr


def test_a_file_of_any_size_is_read_in_bounded_memory(addresses: Addresses, tmp_path: Path) -> None:
    file = tmp_path / "sirene.csv"
    with file.open("w", encoding="utf-8") as out:
        out.write(HEAD)
        # One endless line of 500 MB, then lines that are no rows.
        for _ in range(500):
            out.write("x" * 2**20)
        out.write("\n")
        for _ in range(20):
            out.write(("," * 1023 + "\n") * 1024)

    done = load(addresses.mongo, file, memory=_MEMORY)

    assert done.returncode == 1, done.stderr[-2000:]
    assert "20481 lines" in done.stdout
    assert "1 bad lines: longer than 65536 bytes" in done.stdout
    assert "20480 bad lines: not 9 values, as the first line has" in done.stdout
