"""Organisation as a program: serve, load SIRENE, roles of the platform, verify the audit trail.

python -m services.organisation
python -m services.organisation load-sirene StockEtablissement_utf8.csv
python -m services.organisation grant-operator claire.durand@exemple.fr
python -m services.organisation turn-public 21440109300015 --ticket T-12
python -m services.organisation verify-audit
python -m services.organisation export-person claire.durand@exemple.fr
python -m services.organisation erase-person claire.durand@exemple.fr
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from services.organisation.bootstrap import build
from services.organisation.commands import (
    load_sirene,
    set_platform_role,
    turn_public,
    verify_audit,
)
from services.organisation.personal_data import (
    Refused,
    describe_erasure,
    erase_person,
    export_person,
)
from services.organisation.settings import Settings
from services.organisation.structures.application.declarations import Missing, Saved, Stale
from services.organisation.structures.entrypoints.sirene_file import SireneFileError
from services.organisation.structures.entrypoints.sirene_report import format_report
from shared.rights.model import PlatformRole
from shared.runtime.clock import build_clock
from shared.runtime.program import build_program
from shared.runtime.store.commands import exit_without_store
from shared.runtime.store.database import Store
from shared.vocabulary.emails import is_email
from shared.vocabulary.levels import WRITE_LEVEL
from shared.vocabulary.rules import Violation

app = build_program("organisation", build, Settings)
_STDIN = Path("-")
_Email = Annotated[str, typer.Argument(help="Address by which the person signs in.")]
_Mongo = Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="URI of its store.")]
_Namespace = Annotated[str, typer.Option(envvar="AIGUILLAGE_NAMESPACE")]
_WriteLevel = Annotated[
    int, typer.Option(envvar="AIGUILLAGE_WRITE_LEVEL", help="As that of the service.")
]


@app.command("load-sirene")
def load_establishments(
    file: Annotated[Path, typer.Argument(help="INSEE's StockEtablissement CSV; - reads stdin.")],
    mongo: Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="URI of its store.")],
    namespace: Annotated[str, typer.Option(envvar="AIGUILLAGE_NAMESPACE")] = "",
    write_level: Annotated[
        int, typer.Option(envvar="AIGUILLAGE_WRITE_LEVEL", help="As that of the service.")
    ] = WRITE_LEVEL,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing: tell what a load would do.")
    ] = False,
) -> None:
    """Load names, addresses and closed establishments of SIRENE, while replicas go on serving.

    The structure of an establishment that is closed becomes inactive. It can be run again, also
    after an interruption. Exit 1: some lines cannot be used, and are named; the others are loaded.
    2: no such file, or one without the columns of INSEE's. 3: the store could not be asked.
    """
    try:
        opened = sys.stdin.buffer if file == _STDIN else file.open("rb")
    except OSError as error:
        raise typer.BadParameter(str(error)) from error
    try:
        with opened, exit_without_store():
            is_sound = _load(opened, mongo, namespace, write_level, dry_run=dry_run)
    except SireneFileError as error:
        raise typer.BadParameter(f"{file}: {error}") from error
    if not is_sound:
        raise typer.Exit(1)


def _load(file: BinaryIO, mongo: str, namespace: str, write_level: int, *, dry_run: bool) -> bool:
    load = load_sirene(
        file,
        mongo,
        namespace,
        write_level,
        dry_run=dry_run,
        tell=lambda line: typer.echo(line, err=True),
    )
    report = asyncio.run(load)
    typer.echo(format_report(report, dry_run=dry_run))
    return not report.bad


@app.command("grant-operator")
def grant_operator(
    email: _Email, mongo: _Mongo, namespace: _Namespace = "", write_level: _WriteLevel = WRITE_LEVEL
) -> None:
    """Make a person an operator of the platform. Who has no account yet is registered.

    Exit 1: that is no address, or its account is closed. 3: the store could not be asked.
    """
    _set_role(email, PlatformRole.OPERATOR, mongo, namespace, write_level, is_held=True)


@app.command("revoke-operator")
def revoke_operator(
    email: _Email, mongo: _Mongo, namespace: _Namespace = "", write_level: _WriteLevel = WRITE_LEVEL
) -> None:
    """Take from a person the role of an operator: it ends within a second.

    Exit 1: that is no address, or its account is closed. 3: the store could not be asked.
    """
    _set_role(email, PlatformRole.OPERATOR, mongo, namespace, write_level, is_held=False)


@app.command("grant-desk")
def grant_desk(
    email: _Email,
    mongo: _Mongo,
    namespace: _Namespace = "",
    write_level: _WriteLevel = WRITE_LEVEL,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take the role from the person.")
    ] = False,
) -> None:
    """Make a person an agent of the technical desk of support.

    Exit 1: that is no address, or its account is closed. 3: the store could not be asked.
    """
    _set_role(email, PlatformRole.DESK, mongo, namespace, write_level, is_held=not revoke)


@app.command("turn-public")
def turn_structure_public(
    structure: Annotated[str, typer.Argument(help="SIRET, or type-identifier.")],
    ticket: Annotated[str, typer.Option(help="Ticket that asks for it, for the audit trail.")],
    mongo: _Mongo,
    namespace: _Namespace = "",
    write_level: _WriteLevel = WRITE_LEVEL,
) -> None:
    """Turn a private structure public: it may then be a MOA, and receive a mandate.

    Done again, it changes nothing more. Exit 1: there is no such structure, or a manager of it has
    no recorded account on the PIGP. 3: the store could not be asked.
    """
    with exit_without_store():
        outcome = asyncio.run(turn_public(structure, ticket, mongo, namespace, write_level))
    if isinstance(outcome, Saved):
        typer.echo(f"structure {structure}: public, version {outcome.structure.version}")
        return
    broken = () if isinstance(outcome, Missing | Stale) else outcome.violations
    for each in broken:
        typer.echo(f"{each.code}: {each.message} {each.remedy}", err=True)
    if not broken:
        typer.echo(f"there is no structure {structure}", err=True)
    raise typer.Exit(1)


@app.command("verify-audit")
def verify(
    mongo: _Mongo,
    entities: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ENTITY]...",
            help="Ids of structures, accounts or machines. [default: all]",
        ),
    ] = None,
    namespace: _Namespace = "",
) -> None:
    """Verify the audit trail: hashes, links, and the end of each chain.

    Exit 0: nothing was changed or removed since it was written. 1: something was, and the lines
    name it. 3: the store could not be asked.
    """
    with exit_without_store():
        count, faults = asyncio.run(verify_audit(entities or (), mongo, namespace))
    for fault in faults:
        place = f"entry {fault.rank}" if fault.rank else "end"
        typer.echo(f"{fault.entity}: {place}: {fault.fault}")
    typer.echo(f"{count} chains, {len(faults)} with a fault")
    if faults:
        raise typer.Exit(1)


@app.command("export-person")
def export(email: _Email, mongo: _Mongo, namespace: _Namespace = "") -> None:
    """Print all that organisation keeps of a person, as JSON.

    Exit 2: that is no address. 3: the store could not be asked.
    """
    _check_address(email)
    clock = build_clock()
    with exit_without_store():
        store = Store(mongo, "organisation", clock, namespace)
        typer.echo(asyncio.run(export_person(store, email, clock)))


@app.command("erase-person")
def erase(
    email: _Email, mongo: _Mongo, namespace: _Namespace = "", write_level: _WriteLevel = WRITE_LEVEL
) -> None:
    """Erase a person: its account is closed, and every service refuses it within a second.

    It cannot be undone. Done again, it erases nothing more. Exit 1: it is the last main manager of
    a structure; the lines name who could be appointed. 2: that is no address. 3: the store could
    not be asked.
    """
    _check_address(email)
    clock = build_clock()
    with exit_without_store():
        store = Store(mongo, "organisation", clock, namespace, level=write_level)
        outcome = asyncio.run(erase_person(store, email, clock))
    typer.echo(describe_erasure(outcome), err=isinstance(outcome, Refused))
    if isinstance(outcome, Refused):
        raise typer.Exit(1)


def _check_address(email: str) -> None:
    if not is_email(email):
        raise typer.BadParameter("that is no e-mail address")


def _set_role(
    email: str, role: PlatformRole, mongo: str, namespace: str, write_level: int, *, is_held: bool
) -> None:
    with exit_without_store():
        found = asyncio.run(
            set_platform_role(email, role, mongo, namespace, write_level, is_held=is_held)
        )
    if isinstance(found, Violation):
        typer.echo(f"{email}: {found.message}", err=True)
        raise typer.Exit(1)
    roles = ", ".join(sorted(found.platform_roles)) or "none"
    typer.echo(f"account {found.id}: roles of the platform: {roles}")


if __name__ == "__main__":
    app()
