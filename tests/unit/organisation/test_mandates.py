"""Mandates: their parties, days and scope, which overlap, and their event."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.organisation.mandates.application.messages import build_state
from services.organisation.mandates.domain.mandates import (
    CONTRACTS_LIMIT,
    FiledMandate,
    judge_file,
    judge_overlap,
    judge_parties,
    judge_terms,
    read_contracts,
)
from services.organisation.structures.domain.structure import (
    Declaration,
    Parameters,
    Structure,
)
from shared.circuit.mandates import Mandate
from shared.contracts.organisation_v1 import MandateChanged
from shared.vocabulary.attachments import Attached, StoredFile
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import (
    IdentifierType,
    MoaParameter,
    StructureKind,
    StructureStatus,
)

VILLE, SPL, TRESOR = "90000000100017", "90000000300013", "90000000400011"
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
MANDATE = Mandate(
    id="mandat-1",
    version=1,
    mandant=VILLE,
    delegate=SPL,
    payer=VILLE,
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 12, 31),
)


def structure(
    siret: str,
    moa: MoaParameter = MoaParameter.AVEC,
    kind: StructureKind = StructureKind.PUBLIQUE,
    status: StructureStatus = StructureStatus.ACTIF,
) -> Structure:
    declared = Declaration(
        IdentifierType.SIRET, siret, "Structure", kind, status, Parameters(moa=moa)
    )
    return Structure(1, declared)


def broken(violations: Iterable[Violation]) -> list[tuple[str, str]]:
    return [(each.code, each.field) for each in violations]


def judge(mandate: Mandate, *known: Structure) -> list[tuple[str, str]]:
    return broken(judge_parties(mandate, {each.id: each for each in known}))


PRIVATE, INACTIVE = StructureKind.PRIVEE, StructureStatus.INACTIF
AVEC, SANS, ONLY = MoaParameter.AVEC, MoaParameter.SANS, MoaParameter.EXCLUSIVEMENT


@pytest.mark.parametrize(
    ("mandate", "known", "expected"),
    [
        (MANDATE, [structure(VILLE), structure(SPL, SANS)], []),
        (replace(MANDATE, payer=TRESOR), [VILLE, SPL, TRESOR], []),
        (
            replace(MANDATE, payer=TRESOR),
            [structure(VILLE, ONLY), SPL, structure(TRESOR, SANS)],
            [],
        ),
        (MANDATE, [VILLE], [("ORG-MANDAT-01", "delegate")]),
        (MANDATE, [SPL], [("ORG-MANDAT-01", "structure_id")]),
        (MANDATE, [VILLE, structure(SPL, status=INACTIVE)], [("ORG-MANDAT-01", "delegate")]),
        (MANDATE, [VILLE, structure(SPL, SANS, PRIVATE)], [("ORG-MANDAT-02", "delegate")]),
        (MANDATE, [structure(VILLE, SANS, PRIVATE), SPL], [("ORG-MANDAT-02", "structure_id")]),
        (MANDATE, [structure(VILLE, SANS), SPL], [("ORG-MANDAT-03", "structure_id")]),
        (replace(MANDATE, delegate=VILLE), [VILLE], [("ORG-MANDAT-04", "delegate")]),
        (MANDATE, [structure(VILLE, ONLY), SPL], [("ORG-MANDAT-05", "payer")]),
        (replace(MANDATE, payer=TRESOR), [VILLE, SPL], [("ORG-MANDAT-01", "payer")]),
        (
            replace(MANDATE, payer=TRESOR),
            [VILLE, SPL, structure(TRESOR, SANS, PRIVATE)],
            [("ORG-MANDAT-02", "payer")],
        ),
    ],
)
def test_a_mandate_is_between_public_structures_of_which_one_is_a_moa(
    mandate: Mandate, known: list[Structure | str], expected: list[tuple[str, str]]
) -> None:
    given = [structure(each) if isinstance(each, str) else each for each in known]

    assert judge(mandate, *given) == expected


def test_a_private_delegate_reads_what_to_do() -> None:
    known = {VILLE: structure(VILLE), SPL: structure(SPL, SANS, PRIVATE)}

    (violation,) = judge_parties(MANDATE, known)

    assert "ticket au support technique" in violation.remedy


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"valid_from": date(2026, 12, 31)}, []),
        ({"valid_from": date(2027, 1, 1)}, [("ORG-MANDAT-06", "valid_until")]),
        ({"contracts": frozenset({"2026-T-017"})}, []),
        ({"contracts": frozenset()}, [("ORG-MANDAT-07", "contracts")]),
        ({"contracts": frozenset({"2026-T-017", ""})}, [("ORG-MANDAT-07", "contracts")]),
        (
            {"contracts": frozenset(map(str, range(CONTRACTS_LIMIT + 1)))},
            [("ORG-MANDAT-08", "contracts")],
        ),
    ],
)
def test_days_are_in_order_and_marches_have_numbers(
    changes: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    mandate = replace(MANDATE, **changes)  # type: ignore[arg-type] # fields of a mandate

    assert broken(judge_terms(mandate)) == expected


def test_blanks_around_a_number_say_nothing() -> None:
    assert read_contracts([" 2026-T-017", "2026-T-017 "]) == frozenset({"2026-T-017"})
    assert read_contracts(None) is None


@pytest.mark.parametrize(
    ("changes", "overlaps"),
    [
        ({}, True),
        ({"delegate": TRESOR}, True),
        ({"valid_from": date(2026, 12, 31), "valid_until": date(2027, 12, 31)}, True),
        ({"valid_from": date(2027, 1, 1), "valid_until": date(2027, 12, 31)}, False),
        ({"valid_from": date(2025, 1, 1), "valid_until": date(2025, 12, 31)}, False),
        ({"valid_from": date(2025, 1, 1), "valid_until": date(2027, 12, 31)}, True),
        ({"closed_on": date(2026, 6, 1)}, False),
        ({"contracts": frozenset({"A"})}, True),
        ({"id": "mandat-1"}, False),
    ],
)
def test_two_mandates_of_a_mandant_share_no_day_and_no_marche(
    changes: dict[str, object], *, overlaps: bool
) -> None:
    other = replace(MANDATE, **{"id": "mandat-2", **changes})  # type: ignore[arg-type] # as above

    expected = [("ORG-MANDAT-09", "valid_from")] if overlaps else []
    assert broken(judge_overlap(MANDATE, [other])) == expected


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [({"A", "B"}, {"B", "C"}, True), ({"A"}, {"B"}, False), ({"m-1"}, {"M-1 "}, True)],
)
def test_mandates_for_other_marches_do_not_overlap(
    one: set[str], other: set[str], *, overlaps: bool
) -> None:
    first = replace(MANDATE, contracts=frozenset(one))
    second = replace(MANDATE, id="mandat-2", contracts=frozenset(other))

    assert bool(judge_overlap(first, [second])) is overlaps


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("mandat.pdf", b"%PDF-1.7", []),
        ("mandat.pdf", b"", [("ORG-MANDAT-13", "file")]),
        ("mandat.exe", b"MZ", [("ORG-JUSTIFICATIF-05", "file")]),
        ("mandat.pdf", b"MZ", [("ORG-JUSTIFICATIF-06", "file")]),
    ],
)
def test_the_file_of_a_mandate_is_judged_as_a_proof(
    name: str, head: bytes, expected: list[tuple[str, str]]
) -> None:
    assert broken(judge_file(Attached(name, len(head), head))) == expected


def test_what_is_published_is_what_was_recorded() -> None:
    limited = replace(MANDATE, contracts=frozenset({"2026-T-018", "2026-T-017"}))
    filed = FiledMandate(limited, StoredFile("a" * 64, 8, "mandat.pdf", "application/pdf"), NOW)
    closed = filed.close(date(2026, 11, 30))

    message = build_state(closed.mandate, NOW, "c-1")

    assert (message.key, message.subject) == ("mandat-1", "mandat-1")
    assert isinstance(message.payload, MandateChanged)
    assert message.payload.to_domain() == closed.mandate
    assert (closed.mandate.version, closed.mandate.closed_on) == (2, date(2026, 11, 30))
    assert filed.parties == {VILLE, SPL}
