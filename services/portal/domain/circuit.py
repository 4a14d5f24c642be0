"""The rules and labels of the circuit as `circuit.json`, which the verifier of an export reads.

The verifier knows the SHA-256 of each `circuit.json` that was ever released, and trusts no other.
The file is data, so that a person who holds the export can read it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.portal.domain.verifier.verify import write_canonical
from shared.circuit import loader
from shared.circuit.amounts import find_prevailing_amounts
from shared.circuit.motives import list_all_motives
from shared.circuit.statuses import TRANSITIONS, is_fitting
from shared.circuit.table import Circuit, Row
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.labels import ROLES, STATUSES
from shared.vocabulary.statuses import Status


def write_circuit(level: int) -> bytes:
    """Write `circuit.json`: what the verifier needs of every version of the circuit.

    It lists the acts up to the write level, which routing offers: the verifier recomputes the acts
    allowed.
    """
    content = {
        "roles": dict(ROLES),
        "statuts": dict(STATUSES),
        "motifs": {motive.code: motive.label for motive in list_all_motives()},
        "actes": [
            [row.act, row.role, sorted(row.sources)] for row in TRANSITIONS if row.level <= level
        ],
        "sans_montants": sorted(_list_statuses_without_amounts(loader.load_current())),
        "versions": {
            name: _describe_version(loader.load_version(name)) for name in loader.list_versions()
        },
    }
    return write_canonical(content, 1) + b"\n"


def _describe_version(circuit: Circuit) -> Mapping[str, Any]:
    return {
        f"{row.cadre} {'avec' if row.moa_present else 'sans'} MOA": _describe_row(row)
        for row in circuit.rows
    }


def _describe_row(row: Row) -> Mapping[str, Any]:
    pairs = dict.fromkeys((each.act, each.role) for each in TRANSITIONS)
    return {
        "libelle": row.label,
        "suites": list(row.followers),
        "montants_prevalent": row.amounts_prevail,
        "contestable": bool(row.followers_if_contested),
        "actes_exclus": [list(pair) for pair in pairs if not is_fitting(*pair, row)],
    }


@dataclass(frozen=True, slots=True)
class _Step:
    id: str
    cadre: str
    amounts: Amounts
    status: Status


def _list_statuses_without_amounts(circuit: Circuit) -> Iterator[Status]:
    """Find the statuses in which the amounts of a piece do not prevail."""
    row = circuit.rows[0]
    nothing = Amounts(*[Decimal()] * 4)
    for status in Status:
        step = _Step("", row.cadre, nothing, status)
        if find_prevailing_amounts(circuit, [step], moa=row.moa_present) is None:
            yield status
