"""`python -m deploy.local`: keep the platform running, or say which backend tests would take."""

import sys
import time
from typing import Annotated

import typer

from deploy.errors import LaunchError
from deploy.local.backends import Backend, choose
from deploy.local.leaving import leave_when_told
from deploy.local.platform import Platform

app = typer.Typer(no_args_is_help=True, add_completion=False)
_POLL_S = 0.5


@app.command()
def up(
    backend: Annotated[
        Backend, typer.Option(envvar="BACKEND", help="Where Kafka comes from.")
    ] = Backend.EMBEDDED,
    base_port: Annotated[
        int | None,
        typer.Option(
            envvar="BASE_PORT", min=1, max=65_000, help="First port. Left out: free ones."
        ),
    ] = None,
    clock_offset_s: Annotated[
        int, typer.Option(help="How far the services' clocks run ahead.")
    ] = 0,
    limit_s: Annotated[
        float, typer.Option("--for", help="Stop by itself after so many seconds.")
    ] = float("inf"),
) -> None:
    """Keep the platform running until Ctrl-C and print where it answers."""
    leave_when_told()
    print(
        f"starting on {backend}: it begins empty, and what it holds goes when it stops", flush=True
    )
    with Platform(
        backend, gateway=True, base_port=base_port, clock_offset_s=clock_offset_s
    ) as platform:
        _print_addresses(platform)
        print("running; Ctrl-C stops it", flush=True)
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            dead = [name for name in platform.names if not platform.is_alive(name)]
            if dead:
                raise platform.failure(dead[0], "ended by itself")
            time.sleep(_POLL_S)


@app.command()
def which_backend() -> None:
    """Print the backend that the tests take here, and why."""
    choice = choose()
    print(f"backend: {choice.backend} ({choice.reason})")


def _print_addresses(platform: Platform) -> None:
    print(f"ORIGIN={platform.addresses.origin}")
    # Not a table that fits the terminal: an address that was cut cannot be copied.
    for name, url in platform.addresses.services.items():
        print(f"  {name:<14} {url}  OpenAPI: {url}/docs")
    print(f"  {'Kafka':<14} {platform.addresses.kafka}")
    print(f"  {'MongoDB':<14} {platform.addresses.mongo}")


if __name__ == "__main__":
    try:
        app()
    except LaunchError as error:
        sys.exit(f"error: {error}")
