"""`python -m deploy.local.issuer`: serve the development issuer on a loopback address."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from deploy.local.issuer.app import create_issuer
from deploy.local.issuer.keys import keep_key
from deploy.local.ports import HOST
from shared.runtime.clock import build_clock
from shared.runtime.settings import name_variable

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535)],
    key_file: Annotated[Path, typer.Option(help="File of the private key; made when missing.")],
    host: Annotated[str, typer.Option(help="Loopback address to bind.")] = HOST,
    clock_offset_s: Annotated[
        int,
        typer.Option(
            envvar=name_variable("clock_offset_s"), help="Seconds by which its clock is ahead."
        ),
    ] = 0,
) -> None:
    """Serve a development issuer: whoever asks for a token gets one, for any e-mail address.

    It refuses to start on an address that other machines reach.
    """
    if not is_loopback(host):
        raise typer.BadParameter(
            f"{host} is no loopback address: this issuer signs a token for whoever asks. "
            f"Bind {HOST}"
        )
    name = f"[{host}]" if ":" in host else host
    issuer = create_issuer(f"http://{name}:{port}", keep_key(key_file), build_clock(clock_offset_s))
    uvicorn.run(issuer, host=host, port=port, access_log=False, log_level="warning")


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone. A name is not: it may be any."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    app()
