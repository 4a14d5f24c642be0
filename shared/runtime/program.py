"""Command line of a service: run it, or list the settings that it reads (`--help`)."""

from collections.abc import Callable, Iterator

import typer
from fastapi import FastAPI
from pydantic.fields import FieldInfo

from shared.runtime.service import Runtime, run
from shared.runtime.settings import RuntimeSettings, name_variable

_HEAD = "Serve until told to stop. All settings are environment variables; these must be set:"


def build_program(
    service: str, build: Callable[[], tuple[Runtime, FastAPI]], settings: type[RuntimeSettings]
) -> typer.Typer:
    """Build the command line of a service, to which it may add commands of its own.

    Without a command it runs the service. `--help` needs no setting.
    """
    app = typer.Typer(
        add_completion=False,
        help=_describe_settings(settings),
        subcommand_metavar="[COMMAND]",
        # Plain text, for logs and pipes: boxes would break the names of variables.
        rich_markup_mode=None,
    )

    @app.callback(invoke_without_command=True)
    def serve(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            run(service, build)

    return app


def _describe_settings(settings: type[RuntimeSettings]) -> str:
    # Click does not wrap a paragraph that begins with \b.
    return f"{_HEAD}\n\n\b\n" + "\n".join(_list_variables(settings.model_fields))


def _list_variables(fields: dict[str, FieldInfo]) -> Iterator[str]:
    required = [name for name, field in fields.items() if field.is_required()]
    yield from (f"  {name_variable(name)}" for name in required)
    yield ""
    yield "\b\nThese are optional; their defaults are:"
    for name, field in fields.items():
        if name not in required:
            yield f"  {name_variable(name)}={field.get_default(call_default_factory=True)}"
