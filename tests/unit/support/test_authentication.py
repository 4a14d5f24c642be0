"""Agents of a desk and askers, as access control has let them in."""

from dataclasses import replace

import pytest

from services.support.access.domain.parties import Asker
from services.support.access.entrypoints.authentication import DeskAgent, read_agent, read_asker
from shared.runtime.web.problems import Problem
from shared.vocabulary.roles import Role
from shared.vocabulary.tickets import Desk
from tests.kit.fake_access import build_requester

AT_THE_PLATFORM = replace(build_requester(), desk=Desk.TECHNIQUE)
AT_A_STRUCTURE = replace(build_requester("s"), desk=Desk.METIER)


def test_an_agent_is_of_a_desk_and_of_a_structure_where_the_desk_is_one() -> None:
    assert read_agent(AT_THE_PLATFORM) == DeskAgent(Desk.TECHNIQUE, "Moi Même", "p-moi")
    assert read_agent(AT_A_STRUCTURE) == DeskAgent(Desk.METIER, "Moi Même", "p-moi", "s")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "p-moi"),
        ("n" * 101, "n" * 100),
        ("Zoé\n Petit", "Zoé Petit"),
        ("\u3164", "p-moi"),
    ],
)
def test_an_agent_has_a_name_that_a_line_can_show(name: str, shown: str) -> None:
    assert read_agent(replace(AT_THE_PLATFORM, name=name)).name == shown


def test_a_route_that_does_not_ask_for_a_desk_has_no_agent() -> None:
    with pytest.raises(RuntimeError, match="desk"):
        read_agent(build_requester("s", Role.MOE))


def test_an_asker_is_a_structure_in_a_role_or_a_stranger() -> None:
    assert read_asker(build_requester("s", Role.MOE)) == Asker("s", Role.MOE)
    assert read_asker(build_requester()) is None
    assert read_asker(None) is None


def test_an_asker_who_names_a_structure_names_its_role() -> None:
    with pytest.raises(Problem) as refused:
        read_asker(build_requester("s"))

    assert (refused.value.status, refused.value.code) == (400, "HTTP-CALLER-02")
