"""Loader of the circuit: parses a version, refuses one in which a dossier could get stuck."""

import csv
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from shared.circuit.delays import CONCLUDED, Delay, Effect, Start
from shared.circuit.statuses import ENTRY, TRANSITIONS, Act, find_transition
from shared.circuit.switches import SwitchedCircuit, switch_off
from shared.circuit.table import Circuit, Confidence, Phase, Row, list_awaited
from shared.vocabulary.cadres import Cadre, parse_cadre
from shared.vocabulary.levels import LEVEL, WRITE_LEVEL
from shared.vocabulary.roles import Role, SentApplication
from shared.vocabulary.statuses import FINAL, Status

_TABLES = Path(__file__).parent / "tables"

_COLUMNS = (
    "cadre",
    "moa_presente",
    "code_api",
    "libelle",
    "deposant",
    "type_piece",
    "phase",
    "ouvre_un_dossier",
    "valideur",
    "destinataire",
    "pour_information",
    "suites",
    "suites_si_contestee",
    "montants_prevalent",
    "source",
    "confiance",
)
_LATER_COLUMNS = ("suites_tacites", "remplace", "application_du_deposant")
"""Columns that are missing in older versions."""

_DELAY_COLUMNS = ("delai", "libelle", "cadres", "role", "jours", "depuis", "effet", "source")


VERSION_LIMIT = 100
"""Length limit of a version's name, the same as in the messages that carry it."""


class CircuitError(ValueError):
    """Table that cannot be read, or in which a dossier could get stuck; names version and row."""


@cache
def find_current(level: int) -> str:
    """Find the version by which new dossiers open: the newest one of `level` or a lower level."""
    return [name for name, since in _read_levels() if since <= level][-1]


def _read_levels() -> Iterable[tuple[str, int]]:
    """Read the level from which each version opens dossiers, oldest version first."""
    with (_TABLES / "circuits.csv").open(encoding="utf-8", newline="") as lines:
        for record in csv.DictReader(lines, delimiter=";", strict=True):
            yield record["version"], int(record["niveau"])


CURRENT = find_current(WRITE_LEVEL)
"""The version by which new dossiers open while no operator has raised the write level."""
NEWEST = find_current(LEVEL)
"""The newest version: it labels a cadre when no version is given."""


def load_current(level: int = WRITE_LEVEL) -> Circuit:
    """Load the circuit by which new dossiers open."""
    return load_version(find_current(level))


@cache
def load_version(name: str) -> Circuit:
    """Load the circuit of a version, for the dossiers that opened by it: rows and delays.

    `2026-2-A5-A22.sans` is circuit 2026-2 with rows switched off: a dossier that opened by it keeps
    it, whatever an operator switches later. Raises CircuitError for an unknown version.
    """
    base, switches = split_version(name)
    folder = _TABLES / base
    # The name comes from messages: it must not lead outside the folder of the tables.
    if folder not in _TABLES.glob("[0-9]*"):
        raise CircuitError(f"circuit {name}: no such version")
    with (
        (folder / "cadres.csv").open(encoding="utf-8", newline="") as rows,
        (folder / "delais.csv").open(encoding="utf-8", newline="") as delays,
    ):
        circuit = parse_circuit(base, rows, delays)
    return switch_rows_off(circuit, switches).circuit if switches else circuit


def list_versions() -> tuple[str, ...]:
    """List the names of all versions, those included that only open dossiers still use."""
    return tuple(sorted(folder.name for folder in _TABLES.glob("[0-9]*")))


def split_version(name: str) -> tuple[str, tuple[str, ...]]:
    """Split the name of a version into its table and the rows switched off in it."""
    year, _, rest = name.partition("-")
    rank, *switches = rest.split("-")
    return f"{year}-{rank}", tuple(switches)


def switch_rows_off(circuit: Circuit, switches: Iterable[str]) -> SwitchedCircuit:
    """Switch rows off and check the circuit that is left.

    Raises CircuitError for a switch that names no row, for too many switches, and for a circuit
    with a fault.
    """
    ordered = sorted(set(switches))
    name = "-".join((circuit.version, *ordered))
    if len(name) > VERSION_LIMIT:
        raise CircuitError(
            f"circuit {circuit.version}: {len(ordered)} rows switched off make a name of "
            f"{len(name)} characters, {VERSION_LIMIT} at most: state a version of its own instead"
        )
    try:
        switched = switch_off(circuit, ordered, name)
    except ValueError as fault:
        raise CircuitError(str(fault)) from fault
    _check_faults(switched.circuit)
    return switched


def parse_circuit(name: str, rows: Iterable[str], delays: Iterable[str]) -> Circuit:
    """Parse a circuit from the lines of its two files, and check it.

    Raises CircuitError when a file cannot be read, or the circuit has a fault.
    """
    header, *records = _split_records(name, rows)
    later = [column for column in header if column not in _COLUMNS]
    is_whole = [*filter(_COLUMNS.__contains__, header)] == [*_COLUMNS]
    if not is_whole or len(later) != len({*later} & {*_LATER_COLUMNS}):
        expected = f"{';'.join(_COLUMNS)}, and may have {';'.join(_LATER_COLUMNS)}"
        raise CircuitError(f"circuit {name}: columns must be {expected}")
    delay_header, *delay_records = _split_records(name, delays)
    if tuple(delay_header) != _DELAY_COLUMNS:
        raise CircuitError(f"circuit {name}: columns of delays must be {';'.join(_DELAY_COLUMNS)}")
    circuit = Circuit(
        name,
        tuple(_parse_row(name, header, record) for record in records),
        tuple(_parse_delay(name, record) for record in delay_records),
    )
    _check_faults(circuit)
    return circuit


def _split_records(name: str, lines: Iterable[str]) -> list[list[str]]:
    try:
        return [*filter(None, csv.reader(lines, delimiter=";", strict=True))] or [[]]
    except csv.Error as fault:
        raise CircuitError(f"circuit {name}: {fault}") from fault


def _check_faults(circuit: Circuit) -> None:
    faults = [*_find_faults(circuit)]
    if faults:
        raise CircuitError(f"circuit {circuit.version}: " + "; ".join(faults))


def _parse_row(name: str, header: Sequence[str], values: Sequence[str]) -> Row:
    try:
        record = dict.fromkeys(_LATER_COLUMNS, "") | dict(zip(header, values, strict=True))
        return Row(
            cadre=record["cadre"],
            moa_present=_YES_NO[record["moa_presente"]],
            api_code=record["code_api"],
            label=record["libelle"],
            depositor=Role(record["deposant"]),
            piece_type=record["type_piece"],
            phase=Phase(record["phase"]),
            is_opener=_YES_NO[record["ouvre_un_dossier"]],
            validator=Role(record["valideur"]) if record["valideur"] else None,
            recipient=Role(record["destinataire"]),
            informed=tuple(Role(role) for role in record["pour_information"].split()),
            followers=tuple(record["suites"].split()),
            followers_if_contested=tuple(record["suites_si_contestee"].split()),
            amounts_prevail=_YES_NO[record["montants_prevalent"]],
            source=record["source"],
            confidence=Confidence(record["confiance"]),
            tacit_followers=tuple(record["suites_tacites"].split()),
            replaces=tuple(record["remplace"].split()),
            depositor_application=SentApplication(
                record["application_du_deposant"] or SentApplication.FACTURES_DE_TRAVAUX
            ),
        )
    except (KeyError, ValueError) as fault:
        raise CircuitError(f"circuit {name}: row {values[0]}: {fault}") from fault


def _parse_delay(name: str, values: Sequence[str]) -> Delay:
    try:
        record = dict(zip(_DELAY_COLUMNS, values, strict=True))
        return Delay(
            name=record["delai"],
            label=record["libelle"],
            cadres=frozenset(record["cadres"].split()),
            role=Role(record["role"]),
            days=int(record["jours"]),
            start=Start(record["depuis"]),
            effect=Effect(record["effet"]),
            source=record["source"],
        )
    except ValueError as fault:
        raise CircuitError(f"circuit {name}: delay {values[0]}: {fault}") from fault


_YES_NO = {"oui": True, "non": False}


def _find_faults(circuit: Circuit) -> Iterable[str]:
    """Find each fault of a table, naming its row; later checks need the first ones to pass."""
    dangling = [
        *_find_misstated(circuit),
        *_find_duplicates(circuit),
        *_find_dangling(circuit),
        *_find_unowned(circuit),
    ]
    if dangling:
        yield from dangling
        return
    yield from _find_unreachable(circuit)
    yield from _find_dead_ends(circuit)
    yield from _find_loops(circuit)
    for row in circuit.rows:
        faults = (
            *_find_actless(circuit, row),
            *_find_unoffered(circuit, row),
            *_find_unconcluded(circuit, row),
        )
        yield from (f"row {_name_row(row)}: {fault}" for fault in faults)


def _find_misstated(circuit: Circuit) -> Iterable[str]:
    if not circuit.rows:
        yield "it has no row"
    for row in circuit.rows:
        if parse_cadre(row.cadre) != row.cadre or parse_cadre(row.api_code) != row.cadre:
            both = f"{row.cadre} and {row.api_code}"
            yield f"row {_name_row(row)}: {both} are no cadre and its API value"
        if not (row.label.strip() and row.piece_type.strip() and row.source.strip()):
            yield f"row {_name_row(row)}: a label, a piece type and a source must be stated"
        lists = (row.followers, row.followers_if_contested, row.tacit_followers, row.replaces)
        if any(len(cadres) != len({*cadres}) for cadres in lists):
            yield f"row {_name_row(row)}: a cadre is listed twice"


def _find_duplicates(circuit: Circuit) -> Iterable[str]:
    keys = [(row.cadre, row.moa_present) for row in circuit.rows]
    for row, key in zip(circuit.rows, keys, strict=True):
        if keys.count(key) > 1:
            yield f"row {_name_row(row)}: stated twice"


def _find_dangling(circuit: Circuit) -> Iterable[str]:
    for row in circuit.rows:
        for cadre in (*row.followers, *row.followers_if_contested, *row.tacit_followers):
            if circuit.find_row(cadre, moa=row.moa_present) is None:
                yield f"row {_name_row(row)}: its follower {cadre} has no row"
        for cadre in row.replaces:
            if circuit.find_row(cadre, moa=row.moa_present) is None:
                yield f"row {_name_row(row)}: it replaces {cadre}, which has no row"


def _find_unowned(circuit: Circuit) -> Iterable[str]:
    """Find delays of an actor that no row awaits, and actors with two delays on one cadre."""
    owners = list_awaited(circuit.rows)
    owned: set[tuple[Cadre, Role]] = set()
    for delay in circuit.delays:
        if delay.days < 1:
            yield f"delay {delay.name}: {delay.days} days"
        for key in ((cadre, delay.role) for cadre in sorted(delay.cadres)):
            cadre, role = key
            if key not in owners:
                yield f"delay {delay.name}: no row makes {role} awaited on {cadre}"
            if key in owned:
                yield f"delay {delay.name}: {role} has another one on {cadre}"
            owned.add(key)


def _find_unreachable(circuit: Circuit) -> Iterable[str]:
    reached = circuit.find_reached()
    for row in circuit.rows:
        if row not in reached:
            yield f"row {_name_row(row)}: no opener leads to it"


def _find_dead_ends(circuit: Circuit) -> Iterable[str]:
    for row in circuit.rows:
        if row.is_final and row.followers:
            yield f"row {_name_row(row)}: nothing follows a piece at the service financier"
        if not row.is_final and not circuit.list_followers(row, row.recipient):
            who = f"its recipient {row.recipient}"
            yield f"row {_name_row(row)}: dead end, {who} can deposit nothing"
        if row.followers_if_contested and not circuit.list_followers(
            row, row.depositor, contested=True
        ):
            yield f"row {_name_row(row)}: dead end, contested, its depositor can deposit nothing"


def _find_loops(circuit: Circuit) -> Iterable[str]:
    """Find loops: without loops and dead ends, every path ends at the service financier."""
    for row in circuit.rows:
        seen: set[Cadre] = set()
        waiting = [*_list_steps(circuit, row)]
        while waiting:
            after = waiting.pop()
            if after.cadre == row.cadre:
                yield f"row {_name_row(row)}: it leads back to itself, not to the service financier"
                break
            if after.cadre not in seen:
                seen.add(after.cadre)
                waiting += _list_steps(circuit, after)


def _list_steps(circuit: Circuit, row: Row) -> tuple[Row, ...]:
    """List the next rows, without the answer to a contest, which may be contested again."""
    return (
        *circuit.list_next_rows(row),
        *circuit.list_tacit_rows(row),
        *circuit.list_replacing_rows(row),
    )


def _find_actless(circuit: Circuit, row: Row) -> Iterable[str]:
    """Find actors awaited by a row that have no act, by the table of the statuses."""
    if row.validator:
        yield from _find_unvalidated(circuit, row, row.validator)
    yield from _find_undelayed(circuit, row)
    entry = ENTRY.get(row.recipient)
    if entry is None:
        yield f"no status in which a piece reaches its recipient {row.recipient}"
        return
    if row.followers and not find_transition(Act.DEPOSER_SUITE, row.recipient, entry):
        yield f"its recipient {row.recipient} may not deposit from {entry}"
    if row.followers_if_contested:
        if not find_transition(Act.CONTESTER, row.recipient, entry):
            yield f"its recipient {row.recipient} may not contest from {entry}"
        if not find_transition(Act.DEPOSER_SUITE, row.depositor, Status.CONTESTEE):
            yield f"contested, its depositor {row.depositor} may not deposit from CONTESTEE"
    if row.depositor not in _RECYCLERS:
        yield f"to be recycled, its depositor {row.depositor} may not recycle it"
    is_suspendable = find_transition(Act.SUSPENDRE, row.recipient, entry)
    if is_suspendable and not find_transition(Act.COMPLETER, row.depositor, Status.SUSPENDUE):
        yield f"suspended, its depositor {row.depositor} may not complete it"
    if row.is_final and not _may_end(row.recipient, entry):
        yield f"its recipient {row.recipient} brings it to no final status"


_RECYCLERS = {row.role for row in TRANSITIONS if row.act is Act.RECYCLER}


def _find_unvalidated(circuit: Circuit, row: Row, validator: Role) -> Iterable[str]:
    if not find_transition(Act.VALIDER, validator, Status.A_VALIDER_1):
        yield f"its validator {validator} may not validate from A_VALIDER_1"
    if validator is row.depositor:
        yield f"its validator {validator} has deposited it"
    if not circuit.find_delay(row.cadre, validator):
        yield f"its validator {validator} has no delay: its silence would hold the piece for ever"


def _find_undelayed(circuit: Circuit, row: Row) -> Iterable[str]:
    """Find tacit followers without a concluding delay, and such a delay without tacit followers."""
    effect = _find_effect(circuit, row.cadre, row.recipient)
    if row.tacit_followers and effect is not Effect.CONCLUDE:
        yield f"its tacit followers have no delay of its recipient {row.recipient} that leads there"
    if effect is Effect.CONCLUDE and not row.tacit_followers:
        yield f"the delay of its recipient {row.recipient} leads to no follower"


def _find_unoffered(circuit: Circuit, row: Row) -> Iterable[str]:
    for cadre in row.replaces:
        replaced = circuit[cadre, row.moa_present]
        if _find_effect(circuit, cadre, replaced.recipient) is not Effect.OFFER:
            yield f"it replaces {cadre}, whose recipient has no delay after which it is offered"
        if not find_transition(Act.REMPLACER, row.depositor, ENTRY[replaced.recipient]):
            yield f"it replaces {cadre}, which its depositor {row.depositor} may not do"


def _find_unconcluded(circuit: Circuit, row: Row) -> Iterable[str]:
    for after in circuit.list_tacit_rows(row):
        if not find_transition(Act.DEPOSER_SUITE, after.depositor, CONCLUDED):
            yield f"left unanswered, {after.depositor} may not deposit {after.cadre}"


def _find_effect(circuit: Circuit, cadre: Cadre, role: Role) -> Effect | None:
    delay = circuit.find_delay(cadre, role)
    return delay.effect if delay else None


def _may_end(role: Role, entry: Status) -> bool:
    reached, waiting = {entry}, [entry]
    while waiting:
        status = waiting.pop()
        after = {
            each.target for each in TRANSITIONS if each.role is role and status in each.sources
        }
        waiting += after - reached
        reached |= after
    return bool(reached & FINAL)


def _name_row(row: Row) -> str:
    return f"{row.cadre} ({'with' if row.moa_present else 'without'} MOA)"
