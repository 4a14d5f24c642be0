"""`python -m deploy.local`: run the whole platform on this machine, and stop it."""

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import urljoin

import typer

from deploy.errors import LaunchError
from deploy.local.backends import Backend, choose
from deploy.local.folder_lock import stop_launcher
from deploy.local.platform import Platform, list_default_limits
from deploy.local.programs import ROOT
from deploy.local.signals import exit_on_signals
from deploy.local.supervisor import Supervisor
from shared.contracts.public_paths import build_public_prefix
from shared.vocabulary.levels import LEVEL

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
_POLL_S = 0.2
_RunDir = Annotated[
    Path | None,
    typer.Option(
        "--run-dir",
        envvar="RUN_DIR",
        help="Folder of data and logs, of one platform. Left out: .run/<backend>.",
    ),
]


@app.command()
def up(
    backend: Annotated[
        Backend,
        typer.Option(
            envvar="BACKEND",
            help="Where broker and store come from. On native, data stay for the next run; "
            "otherwise each run begins empty.",
        ),
    ] = Backend.EMBEDDED,
    base_port: Annotated[
        int | None,
        typer.Option(
            envvar="BASE_PORT",
            min=1,
            max=65_000,
            help="Port of the origin; services, broker and store take the next ones. "
            "Left out: free ones.",
        ),
    ] = None,
    run_dir: _RunDir = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", envvar="FRESH", help="Delete the data of earlier runs first.")
    ] = False,
    clock_offset_s: Annotated[
        int, typer.Option(help="Seconds by which the services' clocks are ahead.")
    ] = 0,
    write_level: Annotated[
        int,
        typer.Option(
            envvar="AIGUILLAGE_WRITE_LEVEL",
            help="Level that services write. Left out: the newest, as no earlier one runs here.",
        ),
    ] = LEVEL,
    limit_s: Annotated[float, typer.Option("--for", help="Stop after so many seconds.")] = float(
        "inf"
    ),
) -> None:
    """Start the platform and keep it running; print its origin, its logs and how to stop it.

    A process that ends is restarted, with exponential backoff when it ends again. The broker of
    embedded keeps its records in memory: when it ends, the whole platform stops.
    """
    exit_on_signals()
    folder = run_dir or _build_run_dir(backend)
    print(f"starting on {backend}: {_describe_data(backend, folder, fresh=fresh)}", flush=True)
    with (
        _announce_stop(),
        Platform(
            backend,
            gateway=True,
            run_dir=folder.resolve(),
            fresh=fresh,
            base_port=base_port,
            clock_offset_s=clock_offset_s,
            env={"AIGUILLAGE_WRITE_LEVEL": str(write_level), **list_default_limits()},
        ) as platform,
    ):
        _print_addresses(platform, down=f"make down RUN_DIR={run_dir}" if run_dir else "make down")
        supervisor = Supervisor(platform, lambda line: print(line, flush=True))
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            supervisor.check()
            time.sleep(_POLL_S)


@app.command()
def down(run_dir: _RunDir = None) -> None:
    """Stop the platform that `up` has started, and wait until all its processes have ended."""
    folders = [run_dir] if run_dir else [_build_run_dir(backend) for backend in Backend]
    stopped = [folder for folder in folders if stop_launcher(folder)]
    for folder in stopped:
        print(f"stopped what ran in {_shorten(folder)}")
    if not stopped:
        print("nothing was running")


@app.command()
def which_backend() -> None:
    """Print the backend that the tests use here, and why."""
    choice = choose()
    print(f"backend: {choice.backend} ({choice.reason})")


@contextmanager
def _announce_stop() -> Iterator[None]:
    """Print "stopped" when the block has ended all; a failure prints its reason instead."""
    try:
        yield
    except SystemExit as request:
        if not request.code:
            _print_stopped()
        raise
    _print_stopped()


def _print_stopped() -> None:
    with suppress(OSError):  # the terminal has closed
        print("stopped", flush=True)


def _build_run_dir(backend: Backend) -> Path:
    return ROOT / ".run" / backend


def _shorten(path: Path) -> Path:
    """Shorten a path below the working folder to a relative one."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _describe_data(backend: Backend, folder: Path, *, fresh: bool) -> str:
    if not backend.keeps_data:
        return f"it begins empty, and keeps no data; its logs stay in {_shorten(folder)}"
    if fresh or not folder.exists():
        return f"it begins empty, and keeps its data in {_shorten(folder)}"
    return f"it goes on with the data in {_shorten(folder)}; FRESH=1 forgets them"


def _print_addresses(platform: Platform, down: str) -> None:
    where = platform.addresses
    print("running; the page that describes each service, and the address of its metrics:")
    # Not as a table: it would cut a long address, which could not be copied.
    for name, url in where.services.items():
        docs = f"{where.origin}{build_public_prefix(name)}/docs"
        print(f"  {name:<14} {docs}  {urljoin(url, '/metrics')}")
    print(f"logs, a file per process: {_shorten(platform.logs)}")
    print(f"mails, a file each: {_shorten(where.mails / 'new')}")
    print("an access token of the development issuer, for any e-mail address and any SIRET:")
    print(
        f"  curl -s {where.issuer}/token -d grant_type=password -d password=any"
        " -d username=claire@exemple.fr -d name='Claire Daval' -d siret=90000000100017"
    )
    print(f"to stop it: Ctrl-C here, or `{down}`")
    print("to paste into another shell:\n")
    print(f"ORIGIN={where.origin}")
    print(f"ISSUER={where.issuer}")
    print(f"MAILS={shlex.quote(str(where.mails / 'new'))}")
    # The names that services and the commands of operators read.
    print(f"export AIGUILLAGE_KAFKA={where.kafka}")
    print(f"export AIGUILLAGE_MONGO={shlex.quote(where.mongo)}")
    # A second replica of a service reads them too.
    print(f"export AIGUILLAGE_ISSUERS={shlex.quote(platform.issuers)}\n", flush=True)


if __name__ == "__main__":
    try:
        app()
    except LaunchError as error:
        sys.exit(f"error: {error}")
