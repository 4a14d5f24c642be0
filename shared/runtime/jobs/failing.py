"""Operator command for failing jobs: list them with their errors, retry them now.

python -m shared.runtime.jobs.failing --mongo URI --service routing list
"""

from typing import Annotated

import typer

from shared.runtime.commands import build_commands, console, get_collection, print_table
from shared.runtime.jobs.rows import COLLECTION

app = build_commands(COLLECTION, "Jobs of a service that have failed and are retried.")
_FAILING = {"attempts": {"$gt": 0}}
_SHOWN = 200
"""Limit of the jobs that are listed."""


@app.command("list")
def list_jobs(context: typer.Context) -> None:
    """List the failing jobs that are retried next, and when."""
    rows = get_collection(context).find(_FAILING).sort("due", 1).limit(_SHOWN)
    print_table(
        ("job", "attempts", "next", "error"),
        (
            (
                row["_id"],
                str(row["attempts"]),
                row["due"].isoformat(timespec="seconds"),
                row.get("error") or "",
            )
            for row in rows
        ),
        empty="no job is failing",
    )


@app.command()
def retry(
    context: typer.Context,
    jobs: Annotated[
        list[str] | None, typer.Argument(help="Without any: all that are failing.")
    ] = None,
) -> None:
    """Retry failing jobs now, once their cause is gone; the service takes them within seconds."""
    wanted = {**_FAILING, "holder": None} | ({"_id": {"$in": jobs}} if jobs else {})
    # `$currentDate` is the store's clock, by which jobs are due.
    due = get_collection(context).update_many(wanted, {"$currentDate": {"due": True}})
    console.print(f"{due.modified_count} retried now")
    if jobs and due.modified_count < len(jobs):
        raise typer.BadParameter("the others are not failing, or are carried out just now")


if __name__ == "__main__":
    app()
