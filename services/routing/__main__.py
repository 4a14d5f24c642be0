"""Routing as a program: serves, verifies a dossier, or publishes its state again.

python -m services.routing
python -m services.routing verify DOSSIER
python -m services.routing republish DOSSIER
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from services.routing.adapters.peers import Addresses, PeerAwayError
from services.routing.bootstrap import build, compare, republish, verify
from services.routing.settings import Settings
from shared.runtime.errors import NewerDocumentError
from shared.runtime.program import build_program
from shared.runtime.store.commands import exit_without_store
from shared.vocabulary.levels import WRITE_LEVEL

app = build_program("routing", build, Settings)
_NOT_ASKED = 2
"""Exit status when the store or a service could not be asked."""


def _parse_url(service: str) -> Any:  # noqa: ANN401 - typer's own
    return typer.Option(envvar=f"AIGUILLAGE_{service}_URL", help="Base URL of the service.")


@app.command("verify")
def verify_trail(
    dossier: str,
    mongo: Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="URI of its store.")],
    deposit: Annotated[str, _parse_url("DEPOSIT")] = "http://127.0.0.1:8002",
    portal: Annotated[str, _parse_url("PORTAL")] = "http://127.0.0.1:8005",
    notification: Annotated[str, _parse_url("NOTIFICATION")] = "http://127.0.0.1:8004",
    tokens: Annotated[
        str,
        typer.Option(
            envvar="AIGUILLAGE_TOKENS",
            help="Tokens, separated by spaces, of users or programs who may look up the pieces of "
            "the parties.",
        ),
    ] = "",
    trail_only: Annotated[bool, typer.Option(help="Ask no other service.")] = False,
) -> None:
    """Verify the audit trail of a dossier, and compare the copies of other services with it.

    Exit 1 when the trail does not hold, or a copy differs; 2 when the store or a service could not
    be asked, or a newer version has written the dossier.
    """
    addresses = Addresses(*(each.rstrip("/") for each in (deposit, portal, notification)))
    with exit_without_store(_NOT_ASKED):
        _verify(mongo, dossier, addresses, tokens.split(), trail_only=trail_only)


@app.command("republish")
def republish_state(
    dossier: str,
    mongo: Annotated[str, typer.Option(envvar="AIGUILLAGE_MONGO", help="URI of its store.")],
    namespace: Annotated[str, typer.Option(envvar="AIGUILLAGE_NAMESPACE")] = "",
    write_level: Annotated[
        int, typer.Option(envvar="AIGUILLAGE_WRITE_LEVEL", help="As that of the service.")
    ] = WRITE_LEVEL,
) -> None:
    """Publish the state of a dossier again, as after a tombstone that should not have been sent.

    The service sends it from its outbox. Exit 2 when the store could not be asked, there is no such
    dossier, or a newer version has written it.
    """
    with exit_without_store(_NOT_ASKED):
        try:
            version = asyncio.run(republish(mongo, dossier, namespace, write_level))
        except NewerDocumentError as error:
            typer.echo(f"{dossier}: NOT published, {error}")
            raise typer.Exit(_NOT_ASKED) from None
    if version is None:
        raise typer.BadParameter(f"no dossier {dossier}")
    typer.echo(f"{dossier}: version {version} is in the outbox, which the service publishes")


def _verify(
    mongo: str, dossier: str, addresses: Addresses, tokens: Sequence[str], *, trail_only: bool
) -> None:
    try:
        report = asyncio.run(verify(mongo, dossier))
    except NewerDocumentError as error:
        typer.echo(f"{dossier}: NOT verified, {error}")
        raise typer.Exit(_NOT_ASKED) from None
    if report is None:
        raise typer.BadParameter(f"no dossier {dossier}")
    if not report.is_valid:
        typer.echo(f"{dossier}: entry {report.fault_version} does not hold. {report.fault}")
        raise typer.Exit(1)
    typer.echo(f"{dossier}: {report.entries} entries, the trail holds")
    if trail_only:
        return
    try:
        found = asyncio.run(compare(mongo, dossier, addresses, tokens))
    except PeerAwayError as error:
        typer.echo(f"{dossier}: the copies were NOT compared. {error}")
        raise typer.Exit(_NOT_ASKED) from None
    if found:
        typer.echo("\n".join([*found, f"{dossier}: {len(found)} differences from the trail"]))
        raise typer.Exit(1)
    typer.echo(f"{dossier}: deposit, its files, portal and notification show what the trail tells")


if __name__ == "__main__":
    app()
