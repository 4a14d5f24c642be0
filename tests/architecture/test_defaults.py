"""A default of a setting is written once: what the setting is given to has none of its own."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.kit.deployed import NAMES, find_settings

ROOT = Path(__file__).parents[2]
_USUAL = (0, 1)
"""Defaults that say nothing of a setting."""


def _find_defaults(source: str) -> Iterator[tuple[str, object]]:
    """Find the names that have a number by default: parameters, and fields of a class."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.arguments(posonlyargs=first, args=args, kwonlyargs=named):
                values = [*node.defaults, *node.kw_defaults]
                named = [*[*first, *args][len(first + args) - len(node.defaults) :], *named]
                given = [(each.arg, value) for each, value in zip(named, values, strict=True)]
            case ast.ClassDef(body=body):
                given = [
                    (each.target.id, each.value)
                    for each in body
                    if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
                ]
            case _:
                continue
        for name, value in given:
            if isinstance(value, ast.Constant) and type(value.value) in (int, float):
                yield name, value.value


def _find_repeated(source: str, settings: Mapping[str, object]) -> list[str]:
    """Name what repeats the default of a setting, whose name may be longer by a word before it."""
    return [
        f"{name} = {value}"
        for name, value in _find_defaults(source)
        if value not in _USUAL
        and any(
            f"_{setting}".endswith(f"_{name}") and default == value
            for setting, default in settings.items()
        )
    ]


def _read_settings() -> dict[str, object]:
    return {
        name: field.default
        for service in NAMES
        for name, field in find_settings(service).model_fields.items()
    }


def test_no_default_of_a_setting_is_written_a_second_time() -> None:
    settings = _read_settings()
    paths = [each for part in ("shared", "services") for each in (ROOT / part).rglob("*.py")]

    assert settings["reader_memory_mb"] == 512
    assert settings["body_timeout_s"] == 900
    repeated = {
        str(path.relative_to(ROOT)): found
        for path in paths
        if path.name != "settings.py"
        and (found := _find_repeated(path.read_text(encoding="utf-8"), settings))
    }
    assert repeated == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class Limits:\n    memory_mb: int = 512", ["memory_mb = 512"]),
        ("def judge(a, *, memory_mb: int = 512): ...", ["memory_mb = 512"]),
        ("def judge(a, memory_mb=512): ...", ["memory_mb = 512"]),
        ("class Limits:\n    memory_mb: int", []),
        ("class Limits:\n    memory_mb: int = 300", []),
        ("class Limits:\n    y_mb: int = 512", []),
    ],
)
def test_a_default_written_twice_is_found(source: str, found: list[str]) -> None:
    assert _find_repeated(source, {"reader_memory_mb": 512}) == found
