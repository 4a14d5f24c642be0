"""Labels of the cadres, in the version of the circuit that a dossier follows."""

from functools import cache

from shared.circuit.loader import NEWEST, load_version


def label_cadre(cadre: str, table_version: str = NEWEST) -> str:
    """Find the label of a cadre; the cadre itself when the version has no such row."""
    return _read_labels(table_version).get(cadre, cadre)


@cache
def _read_labels(table_version: str) -> dict[str, str]:
    rows = load_version(table_version).rows
    # When a cadre has two rows, the row with a MOA comes last, so its label is kept.
    return {row.cadre: row.label for row in sorted(rows, key=lambda row: row.moa_present)}
