"""SIRENE: how its file is read, and what structures take over from it."""

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from services.organisation.structures.application.declarations import Declarations
from services.organisation.structures.application.sirene_load import (
    NAMED,
    BadLine,
    LoadReport,
    SireneLoad,
)
from services.organisation.structures.domain.establishment import Establishment, follow
from services.organisation.structures.domain.structure import Address, Declaration, Structure
from services.organisation.structures.entrypoints.sirene_file import SireneFileError, read_lines
from services.organisation.structures.entrypoints.sirene_report import format_report
from shared.vocabulary.structures import IdentifierType, StructureKind, StructureStatus
from tests.unit.organisation.test_declaring import NOW, Memory

SIRET, OTHER = "35600000000048", "90000000300013"
CITY = Declaration(IdentifierType.SIRET, SIRET, "Ville", StructureKind.PUBLIQUE)
HALL = Address("1 BIS PLACE DE LA MAIRIE", "", "59000", "LILLE")
OPEN = Establishment(SIRET, "COMMUNE DE LILLE", HALL, is_closed=False)
CLOSED = replace(OPEN, is_closed=True)

COLUMNS = (
    "siren",
    "siret",
    "complementAdresseEtablissement",
    "numeroVoieEtablissement",
    "indiceRepetitionEtablissement",
    "typeVoieEtablissement",
    "libelleVoieEtablissement",
    "codePostalEtablissement",
    "libelleCommuneEtablissement",
    "distributionSpecialeEtablissement",
    "codeCedexEtablissement",
    "libelleCedexEtablissement",
    "etatAdministratifEtablissement",
    "enseigne1Etablissement",
    "denominationUsuelleEtablissement",
)
ROW = {
    "siren": SIRET[:9],
    "siret": SIRET,
    "numeroVoieEtablissement": "1",
    "indiceRepetitionEtablissement": "BIS",
    "typeVoieEtablissement": "PLACE",
    "libelleVoieEtablissement": "DE LA MAIRIE",
    "codePostalEtablissement": "59000",
    "libelleCommuneEtablissement": "LILLE",
    "etatAdministratifEtablissement": "A",
    "denominationUsuelleEtablissement": "COMMUNE DE LILLE",
}


def write(
    *rows: Mapping[str, str], columns: Sequence[str] = COLUMNS, delimiter: str = ","
) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return text.getvalue().encode()


def read(content: bytes) -> list[Establishment | BadLine]:
    return list(read_lines(io.BytesIO(content)))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_row_of_insee_is_read(mark: bytes, delimiter: str) -> None:
    assert read(mark + write(ROW, delimiter=delimiter)) == [OPEN]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"etatAdministratifEtablissement": "F"}, CLOSED),
        (
            {"denominationUsuelleEtablissement": "", "enseigne1Etablissement": "MAIRIE"},
            replace(OPEN, name="MAIRIE"),
        ),
        ({"denominationUsuelleEtablissement": "[ND]"}, replace(OPEN, name="")),
        (
            {"codeCedexEtablissement": "59033", "libelleCedexEtablissement": "LILLE CEDEX"},
            replace(OPEN, address=replace(HALL, postal_code="59033", city="LILLE CEDEX")),
        ),
        ({"libelleCommuneEtablissement": "[ND]"}, replace(OPEN, address=None)),
        ({"codePostalEtablissement": "[ND]"}, replace(OPEN, address=replace(HALL, postal_code=""))),
    ],
)
def test_what_a_row_says(changes: Mapping[str, str], expected: Establishment) -> None:
    assert read(write({**ROW, **changes})) == [expected]


def test_the_name_of_the_legal_unit_comes_first_where_the_file_has_it() -> None:
    columns = (*COLUMNS, "denominationUniteLegale")
    row = {**ROW, "denominationUniteLegale": "METROPOLE"}

    assert read(write(row, columns=columns)) == [replace(OPEN, name="METROPOLE")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"356000000,3560000000004X", "not 15 values"),
        (write({**ROW, "siret": "35600000000049"}).split(b"\n")[1], "siret is no SIRET"),
        (
            write({**ROW, "etatAdministratifEtablissement": "X"}).split(b"\n")[1],
            "etatAdministratifEtablissement is neither A nor F",
        ),
        (b'"' + b"," * 14, "no CSV"),
        (b"\xff" + b"," * 14, "no UTF-8"),
        (b"x" * 70_000, "longer than 65536 bytes"),
        (
            write({**ROW, "libelleVoieEtablissement": "x" * 201}).split(b"\n")[1],
            "libelleVoieEtablissement is longer than 200 characters",
        ),
    ],
)
def test_a_bad_line_is_named_and_the_next_one_is_read(line: bytes, reason: str) -> None:
    head, sound, _ = write(ROW).split(b"\n")

    bad, after = read(b"\n".join([head, line, sound]))

    assert isinstance(bad, BadLine)
    assert bad.number == 2
    assert bad.reason.startswith(reason)
    assert after == OPEN


@pytest.mark.parametrize("content", [b"", b"\n", b"a,b\n1,2\n", b"siret\n", b"x" * 100_000])
def test_a_file_without_the_columns_of_insee_is_refused(content: bytes) -> None:
    with pytest.raises(SireneFileError, match="etatAdministratifEtablissement"):
        read(content)


def test_a_closed_establishment_makes_its_structure_inactive_once() -> None:
    inactive = replace(CITY, status=StructureStatus.INACTIF)

    assert follow(CITY, None, CLOSED).status is StructureStatus.INACTIF
    assert follow(CITY, OPEN, CLOSED).status is StructureStatus.INACTIF
    # An operator has made it active since: the same news does not close it again.
    assert follow(CITY, CLOSED, CLOSED).status is StructureStatus.ACTIF
    assert follow(inactive, CLOSED, OPEN).status is StructureStatus.INACTIF


def test_an_address_follows_sirene_until_a_manager_sets_another_one() -> None:
    moved = replace(OPEN, address=replace(HALL, street="2 RUE NEUVE"))
    own = replace(CITY, address=Address("Service courrier", city="Lille"))

    assert follow(CITY, None, OPEN).address == HALL
    assert follow(replace(CITY, address=HALL), OPEN, moved).address == moved.address
    assert follow(own, None, OPEN) == follow(own, OPEN, moved) == own


def test_a_name_follows_sirene_where_it_was_that_of_sirene() -> None:
    renamed = replace(OPEN, name="MÉTROPOLE")

    assert follow(CITY, OPEN, renamed).name == "Ville"
    assert follow(replace(CITY, name=OPEN.name), OPEN, renamed).name == "MÉTROPOLE"


def test_where_sirene_is_silent_nothing_changes() -> None:
    silent = Establishment(SIRET, "", None, is_closed=False)
    whole = replace(CITY, address=HALL, name=OPEN.name)

    assert follow(whole, OPEN, silent) == whole


@dataclass
class Known:
    """Establishments in memory, and how many batches were written."""

    kept: dict[str, Establishment] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)

    async def find(self, siret: str) -> Establishment | None:
        return self.kept.get(siret)

    async def find_known(self, sirets: Collection[str]) -> Mapping[str, Establishment]:
        return {each: self.kept[each] for each in sirets if each in self.kept}

    async def save(self, establishments: Sequence[Establishment]) -> None:
        self.batches.append(len(establishments))
        self.kept |= {each.siret: each for each in establishments}


async def load(
    memory: Memory, known: Known, *lines: Establishment | BadLine, dry_run: bool = False
) -> LoadReport:
    declarations = Declarations(memory, lambda: NOW, lambda: "id")
    loading = SireneLoad(memory, known, declarations, "plateforme")
    return await loading.load(lines, dry_run=dry_run, tell=lambda _: None)


async def test_a_load_is_done_once_and_audited() -> None:
    memory, known = Memory({SIRET: Structure(4, CITY)}), Known()

    first = await load(memory, known, OPEN, replace(OPEN, siret=OTHER))
    again = await load(memory, known, OPEN, replace(OPEN, siret=OTHER))
    closed = await load(memory, known, CLOSED)

    assert (first.new, first.changed, first.updated, first.deactivated.count) == (2, 0, 1, 0)
    assert (again.new, again.changed, again.updated) == (0, 0, 0)
    assert (closed.changed, closed.closed, closed.deactivated.names) == (1, 1, [SIRET])
    assert known.batches == [2, 1]
    assert [(each.version, each.status) for each in memory.told] == [(5, "ACTIF"), (6, "INACTIF")]
    assert [(act.by, act.details["fields"]) for _, act in memory.recorded] == [
        ("plateforme", ("address",)),
        ("plateforme", ("status",)),
    ]


async def test_a_structure_whose_establishment_opens_again_is_told_and_stays_inactive() -> None:
    inactive = replace(CITY, status=StructureStatus.INACTIF, address=HALL)
    memory, known = Memory({SIRET: Structure(4, inactive)}), Known({SIRET: CLOSED})

    report = await load(memory, known, OPEN)

    assert report.reopened.names == [SIRET]
    assert (memory.kept[SIRET].declared, memory.said) == (inactive, [])


async def test_a_dry_run_tells_what_a_load_would_do_and_writes_nothing() -> None:
    memory, known = Memory({SIRET: Structure(4, CITY)}), Known()

    report = await load(memory, known, CLOSED, BadLine(3, "no CSV"), dry_run=True)

    assert (report.lines, report.new, report.updated, report.deactivated.names) == (
        2,
        1,
        1,
        [SIRET],
    )
    assert (memory.kept[SIRET].version, memory.said, known.kept) == (4, [], {})
    assert format_report(report, dry_run=True).splitlines() == [
        "dry run: nothing was written",
        "2 lines",
        "1 new establishments, 0 changed, 1 closed",
        "1 structures follow",
        f"1 structures made inactive, as the establishment is closed: {SIRET}",
        "line 3: no CSV",
        "1 bad lines: no CSV",
    ]


async def test_a_report_counts_all_bad_lines_and_names_the_first_of_them() -> None:
    lines = [BadLine(number, "no CSV") for number in range(2, 2002)]

    report = await load(Memory(), Known(), *lines)

    assert report.bad == {"no CSV": 2000}
    assert [each.number for each in report.named] == list(range(2, 2 + NAMED))
