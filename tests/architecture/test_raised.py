"""An error is made where it is raised: one that is kept holds the frames of all that raised it."""

import ast

from tests.kit.einvoices import ROOT


def test_no_error_that_is_kept_is_raised() -> None:
    kept = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for area in ("services", "shared")
        for path in (ROOT / area).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise) and _is_constant(node.exc)
    ]

    assert kept == []


def _is_constant(raised: ast.expr | None) -> bool:
    """Tell whether what is raised is a constant of a module, or an item of one."""
    if isinstance(raised, ast.Subscript):
        raised = raised.value
    return isinstance(raised, ast.Name) and raised.id.isupper()
