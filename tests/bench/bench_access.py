"""Deposits per CPU second with the check of tokens, beside the same service without it.

`make bench`, or `python -m tests.bench.bench_access`. Two platforms run at once: deposit, and
deposit with another middleware in the place of access control (`tests/bench/unchecked`). Batches
of deposits go to one and the other in alternating order. The CPU time is that of the service with
its readers of e-invoices; that of store and broker is not in it. A deposit costs so much that the
check hardly shows, so a request that reads a piece which does not exist is measured too.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.local import Platform, einvoices
from shared.runtime.ids import new_id
from shared.vocabulary.roles import Role
from tests.integration.deposit.world import World, acting, an_opener, beside
from tests.kit.access import run_services

_MODULES = {"without": "tests.bench.unchecked.deposit", "with": "services.deposit"}
_TICKS = os.sysconf("SC_CLK_TCK")
_AT_ONCE = 4
_READS_PER_DEPOSIT = 10
Work = Callable[[World], Awaitable[None]]


def main(
    rounds: Annotated[int, typer.Option(envvar="ROUNDS", min=1)] = 3,
    deposits: Annotated[int, typer.Option(min=1)] = 100,
) -> None:
    """Send `rounds` of batches to both, and print requests per CPU second and their ratios."""
    asyncio.run(_compare(rounds, deposits))


async def _compare(rounds: int, deposits: int) -> None:
    works: Mapping[str, tuple[Work, int]] = {
        "deposits": (_deposit, deposits),
        "reads of nothing": (_read_nothing, deposits * _READS_PER_DEPOSIT),
    }
    found: dict[str, dict[str, list[float]]] = {
        name: {each: [] for each in _MODULES} for name in works
    }
    async with _run("without") as without, _run("with") as checked:
        sites = {"without": without, "with": checked}
        for work, _ in works.values():
            for site in sites.values():
                await _measure(*site, work, 20)
        for number in range(rounds):
            order = [*sites] if number % 2 == 0 else [*sites][::-1]
            for name, (work, times) in works.items():
                for each in order:
                    figure = await _measure(*sites[each], work, times)
                    found[name][each].append(figure)
                    print(f"round {number + 1}, {name} {each}: {figure:.0f} / CPU s", flush=True)
    _print(found)


@asynccontextmanager
async def _run(name: str) -> AsyncIterator[tuple[Platform, World]]:
    with run_services(_MODULES[name]) as platform:
        async with World(platform.addresses) as world:
            yield platform, world


async def _measure(platform: Platform, world: World, work: Work, times: int) -> float:
    """Do a piece of work `times`, a few at once; return how often for a CPU second."""
    pid = platform.get_pid("deposit")
    before = _read_cpu_s(pid)
    todo = iter(range(times))

    async def carry_out() -> None:
        for _ in todo:
            await work(world)

    await asyncio.gather(*(carry_out() for _ in islice(iter(int, 1), _AT_ONCE)))
    return times / (_read_cpu_s(pid) - before)


async def _deposit(world: World) -> None:
    answer = await world.deposit(einvoices.write_ubl(an_opener()), beside())
    assert answer.status_code == 201, answer.text


async def _read_nothing(world: World) -> None:
    answer = await world.http.get(f"/pieces/{new_id()}", headers=acting(Role.TITULAIRE))
    assert answer.status_code == 404, answer.text


def _read_cpu_s(pid: int) -> float:
    """Read the CPU time of a process and of its children, those that have ended too."""
    own = _read_stat(pid)
    return sum(own[11:15]) / _TICKS + sum(map(_read_cpu_s, _list_children(pid)))


def _list_children(pid: int) -> Sequence[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(each) for each in listed.split()]


def _read_stat(pid: int) -> Sequence[int]:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    return [int(each) if each.lstrip("-").isdigit() else 0 for each in text.split()]


def _print(found: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    table = Table("", *_MODULES, "with / without", title="requests per CPU second of deposit")
    for name, figures in found.items():
        ratio = median(
            checked / without
            for without, checked in zip(figures["without"], figures["with"], strict=True)
        )
        shown = (" ".join(f"{each:.0f}" for each in figures[kind]) for kind in _MODULES)
        table.add_row(name, *shown, f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
