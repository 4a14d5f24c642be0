"""Tests leave pytest its event loop."""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
PROGRAMS = ("__main__.py", "fuzz", "bench", "eval")
"""They run by themselves, outside pytest."""


def runs_of_a_loop(source: str) -> list[int]:
    """Give the lines that call asyncio.run, which takes the thread's loop away."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.run"
    ]


def test_no_test_takes_the_event_loop_away() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in sorted(TESTS.rglob("*.py"))
        if not set(PROGRAMS) & set(path.relative_to(TESTS).parts)
        for line in runs_of_a_loop(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_a_call_is_seen_wherever_it_stands() -> None:
    assert runs_of_a_loop("import asyncio\ndef f():\n    return asyncio.run(g())\n") == [3]
