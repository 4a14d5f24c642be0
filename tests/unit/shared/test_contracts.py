"""Types of the fields of contracts: what they accept and what they refuse."""

import json
from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts.common_v1 import AmountsV1
from shared.contracts.envelope import Head, encode
from shared.contracts.fields import Moment, Montant, Sequence, Sha256
from shared.contracts.organisation_v1 import StructureChanged
from shared.contracts.topics import ACTEUR, TICKET, TOPICS, Key
from shared.vocabulary.amounts import Amounts
from shared.vocabulary.tickets import Desk
from tests.kit.events import an_event

MONTANT = TypeAdapter[Decimal](Montant)
GOLDEN = Path(__file__).parents[2] / "contracts" / "golden"
SEQUENCE = TypeAdapter[int](Sequence)


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2))
def test_an_amount_travels_as_a_string_and_reads_back(amount: Decimal) -> None:
    wire = MONTANT.dump_json(amount)

    assert wire.startswith(b'"')
    assert b"E" not in wire
    assert MONTANT.validate_json(wire) == amount


@pytest.mark.parametrize("wire", ["1", "1.5", '"1.234"', '"1e3"', '"NaN"', "null", "true", '"1,5"'])
def test_an_amount_is_nothing_but_a_plain_decimal_string(wire: str) -> None:
    with pytest.raises(ValidationError):
        MONTANT.validate_json(wire)


def test_amounts_cross_the_border_unchanged() -> None:
    amounts = Amounts(*(Decimal(text) for text in ("1000.00", "200.00", "1200.00", "0.50")))

    assert AmountsV1.of(amounts).to_domain() == amounts


@given(st.integers(1, 10**10 - 1))
def test_a_rank_travels_as_a_string_that_sorts(rank: int) -> None:
    wire = SEQUENCE.dump_json(rank)

    assert len(wire) == 12
    assert SEQUENCE.validate_json(wire) == rank


@given(st.integers(1, 10**10 - 1), st.integers(1, 10**10 - 1))
def test_ranks_sort_on_the_wire_as_they_count(one: int, other: int) -> None:
    assert (SEQUENCE.dump_json(one) < SEQUENCE.dump_json(other)) == (one < other)


@pytest.mark.parametrize("wire", ["0", "-1", "true", "1.5", '"0"', '"-1"', '""', '"1x"', '"١"'])
def test_a_rank_starts_at_one_and_is_digits(wire: str) -> None:
    with pytest.raises(ValidationError):
        SEQUENCE.validate_json(wire)


def test_a_moment_has_its_offset() -> None:
    moment = TypeAdapter[datetime](Moment)

    assert moment.validate_json('"2026-11-24T10:30:00+01:00"') == datetime(
        2026, 11, 24, 9, 30, tzinfo=UTC
    )
    with pytest.raises(ValidationError):
        moment.validate_json('"2026-11-24T10:30:00"')


@pytest.mark.parametrize("text", ["", "A" * 64, "a" * 63, "g" * 64, "a" * 65])
def test_a_sha256_is_sixty_four_lower_case_digits(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[str](Sha256).validate_python(text)


def test_an_event_says_nothing_of_what_it_does_not_have() -> None:
    body = encode(an_event("d1", None))

    assert b"null" not in body
    assert b"sequence" not in body
    assert Head.model_validate_json(body).dossierid == "d1"


def test_topics_and_types_are_named_once() -> None:
    names = [name for topic in TOPICS for name in (topic.name, topic.dead_letters)]
    assert len(names) == len(set(names))
    payloads = {payload for topic in TOPICS for payload in topic.payloads}
    assert len({payload.event_type for payload in payloads}) == len(payloads)


def test_names_carry_their_major_version() -> None:
    assert all(topic.name.endswith(".v1") for topic in TOPICS)
    assert all(each.event_type.endswith(".v1") for topic in TOPICS for each in topic.payloads)


def test_what_an_actor_receives_is_keyed_by_the_actor() -> None:
    assert {topic.key for topic in ACTEUR.values()} == {Key.RECIPIENT}


def test_every_desk_has_its_topic() -> None:
    assert TICKET.keys() == {*Desk}


def test_only_what_can_be_rebuilt_from_is_kept_for_ever() -> None:
    assert all(topic.is_compacted == (topic.retention_ms is None) for topic in TOPICS)
    assert {
        "travaux.dossier.v1",
        "organisation.structure.v1",
        "organisation.habilitation.v1",
        "organisation.mandat.v1",
        "organisation.marche.v1",
    } == {topic.name for topic in TOPICS if topic.is_compacted}


@pytest.mark.parametrize(
    ("version", "is_read"), [(1, True), (999, True), (0, False), (2**62, False)]
)
def test_an_absurd_version_of_a_structure_is_not_read(version: int, *, is_read: bool) -> None:
    (golden, *_) = sorted(GOLDEN.glob("fr.aiguillage.structure.etat.v1/*.json"))
    data = json.loads(golden.read_text())["data"] | {"version": version}

    with nullcontext() if is_read else pytest.raises(ValidationError, match="a version is from 1"):
        StructureChanged.model_validate_json(json.dumps(data))
