"""The released contracts, kept in the repository, and how far the code is from them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from docs.generators.asyncapi import asyncapi
from docs.generators.rules import rules
from tests.contracts.comparison.asyncapi import breaks, promised
from tests.contracts.comparison.schemas import Json

_FOLDER = Path(__file__).parent
RELEASED, GOLDEN = _FOLDER / "released", _FOLDER / "golden"
IN_USE, RETIRED = "in use", "retired"


@dataclass(frozen=True, slots=True)
class Contracts:
    """What readers rely on, at one moment."""

    asyncapi: Json
    golden: dict[str, str]
    """SHA-256 of each golden event, by its file."""
    rules: dict[str, str]
    """Each code of a rule ever released: in use, or retired."""


def current(golden: Path = GOLDEN) -> Contracts:
    """Take what the code promises now."""
    return Contracts(asyncapi(), golden_events(golden), dict.fromkeys(rules(), IN_USE))


def release(folder: Path, contracts: Contracts) -> tuple[str, ...]:
    """Release contracts, or release nothing and name what they break."""
    released = read(folder)
    faults = broken(released, contracts) if released else ()
    if not faults:
        ever = with_retired(released.rules if released else {}, contracts.rules)
        _write(folder, Contracts(contracts.asyncapi, contracts.golden, ever))
    return faults


def read(folder: Path) -> Contracts | None:
    """Read the released contracts; None when nothing was released yet."""
    if not folder.is_dir():
        return None
    return Contracts(
        asyncapi=_load(folder / "asyncapi.json"),
        golden=_load(folder / "golden.json"),
        rules=_load(folder / "rules.json"),
    )


def golden_events(folder: Path) -> dict[str, str]:
    """Take the hash of each golden event."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*/*.json"))
    }


def broken(released: Contracts, current: Contracts) -> tuple[str, ...]:
    """Name, a sentence each, what the code no longer keeps of what was released."""
    return (
        *map(str, breaks(released.asyncapi, current.asyncapi)),
        *_broken_golden(released.golden, current.golden),
        *_reused(released.rules, current.rules),
    )


def unreleased(released: Contracts, current: Contracts) -> tuple[str, ...]:
    """Name what the code promises and nobody can rely on yet, for want of a release."""
    rules_ever = with_retired(released.rules, current.rules)
    golden = current.golden.keys() - released.golden.keys()
    codes = {code for code, use in rules_ever.items() if released.rules.get(code) != use}
    is_same = promised(released.asyncapi) == promised(current.asyncapi)
    return (*(() if is_same else ("the AsyncAPI document",)), *sorted(golden), *sorted(codes))


def with_retired(released: dict[str, str], current: dict[str, str]) -> dict[str, str]:
    """Keep the codes that are out of use: one that came back would mean two things."""
    return dict(sorted({**dict.fromkeys(released, RETIRED), **current}.items()))


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
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("asyncapi", "golden", "rules"):
        text = json.dumps(getattr(contracts, name), ensure_ascii=False, indent=2) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _load(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text(encoding="utf-8"))
