"""Command line of a service: run it, rebuild its read models, or list its settings (`--help`)."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from fastapi import FastAPI
from pydantic.fields import FieldInfo

from shared.runtime.messaging.rebuild import NoReadModelError
from shared.runtime.service import Runtime, rebuild, run
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

    @app.command("rebuild")
    def rebuild_read_models(
        collections: Annotated[
            list[str] | None,
            typer.Argument(metavar="[COLLECTION]...", help="Those to rebuild. [default: all]"),
        ] = None,
        remove_untold: Annotated[
            bool,
            typer.Option(
                "--remove-untold",
                help="Also remove the documents for which the topic holds no record.",
            ),
        ] = False,
    ) -> None:
        """Rebuild read models from their compacted topics, while replicas go on serving.

        Exit 0: each is as its topic states it. 1: one is not, and the lines name it; what was
        written stays, and the command can be run again, also after an interruption. 2: a name that
        is no read model. 3: settings are missing, or store or broker do not answer.

        It takes no options for store and broker: AIGUILLAGE_MONGO and AIGUILLAGE_KAFKA name them.
        """
        try:
            is_done = asyncio.run(
                rebuild(service, build, collections or (), typer.echo, remove_untold=remove_untold)
            )
        except NoReadModelError as error:
            raise typer.BadParameter(str(error)) from error
        if not is_done:
            raise typer.Exit(1)

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
