"""Labels of the cadres, in the version of the circuit that a dossier follows."""

from functools import cache

from shared.circuit.loader import CURRENT, load_version


def label_cadre(cadre: str, table_version: str = CURRENT) -> str:
    """Give the label of a cadre; the cadre itself where the version has no such row."""
    return _labels(table_version).get(cadre, cadre)


@cache
def _labels(table_version: str) -> dict[str, str]:
    rows = load_version(table_version).rows
    # Of two rows of a cadre, the one with a MOA comes last and gives the label.
    return {row.cadre: row.label for row in sorted(rows, key=lambda row: row.moa_present)}
