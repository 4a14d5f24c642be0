"""Runner of `make authz`: sends each row's request as every kind of caller."""

import asyncio
from collections.abc import Callable, Sequence

from tests.authz.callers import CallerKind
from tests.authz.expectations import Expectation
from tests.authz.matrix import Results
from tests.authz.requests import PREPARATIONS
from tests.authz.scene import PreparationError, Scene
from tests.authz.untouched import Databases, compare


async def check_row(
    row: Expectation,
    scene: Scene,
    databases: Databases,
    results: Results,
    kinds: Sequence[CallerKind] = tuple(CallerKind),
) -> None:
    """Check a row: first those who must be refused, and that nothing is done; then the others."""
    prepare = PREPARATIONS[row.endpoint, row.role]
    try:
        refused = [kind for kind in kinds if row.verdicts[kind].is_refusal]
        if refused:
            request = await prepare(scene)
            is_write = row.endpoint.method != "GET"
            before = await asyncio.to_thread(databases.wait_until_quiet) if is_write else {}
            for kind in refused:
                results.judge(row, kind, await scene.send(row, kind, request))
            if is_write:
                after = await asyncio.to_thread(databases.digest)
                results.note_changes(row, compare(before, after))
        allowed = [kind for kind in kinds if not row.verdicts[kind].is_refusal]
        requests = await asyncio.gather(*(prepare(scene) for _ in allowed))
        for kind, request in zip(allowed, requests, strict=True):
            results.judge(row, kind, await scene.send(row, kind, request))
    except PreparationError as error:
        results.surprises.append(f"{row}: not prepared: {error}")


async def check_rows(
    rows: Sequence[Expectation],
    scene: Scene,
    databases: Databases,
    say: Callable[[str], None],
) -> Results:
    """Check rows one after another."""
    results = Results()
    service = ""
    for row in rows:
        if row.endpoint.service != service:
            service = row.endpoint.service
            say(f"{service}, after {results.counts.total()} checks")
        known = len(results.surprises)
        await check_row(row, scene, databases, results)
        for surprise in results.surprises[known:]:
            say(f"SURPRISE  {surprise}")
    return results
