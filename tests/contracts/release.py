"""Release of the contracts: what was promised is kept here, and compared with the code."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from docs.generators.asyncapi import build_asyncapi
from docs.generators.openapi import build_openapi
from docs.generators.rules import PROBLEM_CODES, find_rules
from tests.contracts.comparison import asyncapi, openapi
from tests.contracts.comparison.schemas import Json

_FOLDER = Path(__file__).parent
RELEASED, GOLDEN = _FOLDER / "released", _FOLDER / "golden"
_OPENAPI = "openapi"
IN_USE, RETIRED = "in use", "retired"


@dataclass(frozen=True, slots=True)
class Contracts:
    """What readers rely on, at one moment."""

    asyncapi: Json
    openapi: Mapping[str, Json]
    """The OpenAPI document of each service, by its name."""
    golden: dict[str, str]
    """SHA-256 of each golden event, by its file."""
    rules: dict[str, str]
    """Each code of a rule or of another answer ever released: in use, or retired."""


def collect_contracts(golden: Path = GOLDEN) -> Contracts:
    """Collect what the code promises now."""
    return Contracts(
        asyncapi=build_asyncapi(),
        openapi=build_openapi(),
        golden=hash_golden_events(golden),
        rules=dict.fromkeys(sorted((*find_rules(), *PROBLEM_CODES)), IN_USE),
    )


def release(folder: Path, contracts: Contracts) -> tuple[str, ...]:
    """Release contracts, or release nothing and name what they break."""
    released = read_release(folder)
    faults = find_breaks(released, contracts) if released else ()
    if not faults:
        ever = keep_retired(released.rules if released else {}, contracts.rules)
        _write(folder, replace(contracts, rules=ever))
    return faults


def read_release(folder: Path) -> Contracts | None:
    """Read the released contracts; None when nothing was released yet."""
    if not folder.is_dir():
        return None
    return Contracts(
        asyncapi=_load(folder / "asyncapi.json"),
        openapi={path.stem: _load(path) for path in sorted(folder.glob(f"{_OPENAPI}/*.json"))},
        golden=_load(folder / "golden.json"),
        rules=_load(folder / "rules.json"),
    )


def hash_golden_events(folder: Path) -> dict[str, str]:
    """Take the hash of each golden event."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*/*.json"))
    }


def find_breaks(released: Contracts, current: Contracts) -> tuple[str, ...]:
    """Name, a sentence each, what the code no longer keeps of what was released."""
    return (
        *map(str, asyncapi.compare(released.asyncapi, current.asyncapi)),
        *map(str, openapi.compare(released.openapi, current.openapi)),
        *_broken_golden(released.golden, current.golden),
        *_reused(released.rules, current.rules),
    )


def find_unreleased(released: Contracts, current: Contracts) -> tuple[str, ...]:
    """Name what the code promises and nobody can rely on yet, for want of a release."""
    rules_ever = keep_retired(released.rules, current.rules)
    golden = current.golden.keys() - released.golden.keys()
    codes = {code for code, use in rules_ever.items() if released.rules.get(code) != use}
    return (*_grown(released, current), *sorted(golden), *sorted(codes))


def keep_retired(released: dict[str, str], current: dict[str, str]) -> dict[str, str]:
    """Keep the codes that are out of use: one that came back would mean two things."""
    return dict(sorted({**dict.fromkeys(released, RETIRED), **current}.items()))


def _grown(released: Contracts, current: Contracts) -> Iterator[str]:
    if asyncapi.keep_promises(released.asyncapi) != asyncapi.keep_promises(current.asyncapi):
        yield "the AsyncAPI document"
    was, now = (openapi.keep_promises(each.openapi) for each in (released, current))
    for service in sorted(was.keys() | now.keys()):
        if was.get(service) != now.get(service):
            yield f"the OpenAPI document of {service}"


def _broken_golden(released: dict[str, str], current: dict[str, str]) -> Iterator[str]:
    for name, digest in released.items():
        if name not in current:
            yield f"{name}: the golden event was removed; what was written once is read for ever."
        elif current[name] != digest:
            yield f"{name}: the golden event was changed; add another one beside it."


def _reused(released: dict[str, str], current: dict[str, str]) -> Iterator[str]:
    for code in sorted(current):
        if released.get(code) == RETIRED:
            yield f"{code}: the code of a retired rule is used again; give the new rule its own."


def _write(folder: Path, contracts: Contracts) -> None:
    (folder / _OPENAPI).mkdir(parents=True, exist_ok=True)
    for name, part in {
        "asyncapi": contracts.asyncapi,
        "golden": contracts.golden,
        "rules": contracts.rules,
        **{f"{_OPENAPI}/{service}": each for service, each in contracts.openapi.items()},
    }.items():
        text = json.dumps(part, ensure_ascii=False, indent=2) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _load(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text(encoding="utf-8"))
