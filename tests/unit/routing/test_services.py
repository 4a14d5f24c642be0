"""Whoever is limited to a service of a structure takes part where the dossier names it."""

from dataclasses import replace

import pytest

from services.routing.application.journey import is_party
from shared.circuit.parties import Party
from shared.vocabulary.actors import Actor
from shared.vocabulary.roles import Role
from tests.unit.routing.builders import A4, after


@pytest.mark.parametrize(
    ("named", "limited", "expected"),
    [
        (None, None, True),
        ("TRAVAUX", None, True),
        ("TRAVAUX", "TRAVAUX", True),
        ("TRAVAUX", "VOIRIE", False),
        (None, "TRAVAUX", False),
    ],
)
def test_who_is_limited_to_a_service_is_a_party_where_it_is_named(
    named: str | None, limited: str | None, expected: bool
) -> None:
    dossier = after(A4)
    moa = dossier.parties[Role.MOA].structure
    renamed = replace(dossier, parties=replace(dossier.parties, moa=Party(moa, named)))

    assert is_party(renamed, Actor(Role.MOA, moa, limited)) is expected
