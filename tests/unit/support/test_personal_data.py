"""Personal data in support: which texts mention an address, and what erasure leaves."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.support.access.domain.parties import Issuer
from services.support.access.domain.personal_data import ERASED, ERASED_ADDRESS, Person
from services.support.agent.domain import personal_data as agent
from services.support.agent.domain.conversation import AnswerKind, Conversation, Turn
from services.support.tickets.domain import personal_data as tickets
from services.support.tickets.domain.tickets import Content, JournalEntry, Ticket
from shared.vocabulary.attachments import StoredFile
from shared.vocabulary.tickets import Side, TicketAct, TicketStatus

AT = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
CLAIRE = Person("claire.durand@exemple.fr")
FILE = StoredFile("a" * 64, 12, "carte-identite.pdf", "application/pdf")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("claire.durand@exemple.fr", ERASED),
        ("Écrire à Claire.Durand@Exemple.fr.", f"Écrire à {ERASED}."),
        ("<claire.durand@exemple.fr>, deux fois claire.durand@exemple.fr",
         f"<{ERASED}>, deux fois {ERASED}"),
        ("eclaire.durand@exemple.fr", None),
        ("x.claire.durand@exemple.fr", None),
        ("claire.durand@exemple.free", None),
        ("claire.durand@exemple.fr.autre.fr", None),
        ("claire-durand@exemple.fr", None),
        ("claireXdurand@exemple.fr", None),
    ],
)  # fmt: skip
def test_an_address_is_found_whole_whatever_its_case(text: str, redacted: str | None) -> None:
    assert CLAIRE.is_in(text) is (redacted is not None)
    assert CLAIRE.redact(text) == (redacted or text)


def ticket(issuer: Issuer) -> Ticket:
    entry = JournalEntry(
        act=TicketAct.ECRIRE,
        by=Side.DEMANDEUR,
        who=issuer.name,
        text="Mon téléphone : 06 00 00 00 00, ou claire.durand@exemple.fr",
        attachments=(FILE,),
        at=AT,
        status=TicketStatus.EN_COURS,
    )
    return Ticket(
        id="t-1",
        version=3,
        issuer=issuer,
        content=Content(title="De claire.durand@exemple.fr", description="Je suis Claire Durand."),
        status=TicketStatus.EN_COURS,
        created_at=AT,
        changed_at=AT,
        attachments=(FILE,),
        journal=(
            entry,
            replace(
                entry,
                by=Side.BUREAU,
                who="Paul",
                act=TicketAct.REPONDRE,
                text="Nous écrivons à claire.durand@exemple.fr.",
                attachments=(),
            ),
        ),
    )


def test_a_ticket_without_account_loses_what_its_person_wrote() -> None:
    own = ticket(Issuer(email="Claire.Durand@exemple.fr"))
    erased = tickets.erase_person(own, CLAIRE)

    assert tickets.is_issuer(own, CLAIRE)
    assert erased.issuer == Issuer(email=ERASED_ADDRESS)
    assert (erased.content.title, erased.content.description) == (ERASED, ERASED)
    assert erased.files == ()
    assert [(each.who, each.text) for each in erased.journal] == [
        (ERASED_ADDRESS, ERASED),
        ("Paul", f"Nous écrivons à {ERASED}."),
    ]
    kept = ("id", "version", "status", "created_at", "changed_at", "number", "desk")
    assert all(getattr(erased, name) == getattr(own, name) for name in kept)
    assert tickets.erase_person(erased, CLAIRE) == erased
    assert not tickets.is_about(erased, CLAIRE)


def test_a_ticket_of_a_structure_keeps_all_but_the_address() -> None:
    other = ticket(Issuer(structure="90000000100017"))
    erased = tickets.erase_person(other, CLAIRE)

    assert not tickets.is_issuer(other, CLAIRE)
    assert erased.issuer == other.issuer
    assert erased.content.title == f"De {ERASED}"
    assert erased.content.description == "Je suis Claire Durand."
    assert erased.files == other.files
    assert erased.journal[0].text == f"Mon téléphone : 06 00 00 00 00, ou {ERASED}"


def test_a_conversation_loses_the_address() -> None:
    turn = Turn(
        AT,
        "claire.durand@exemple.fr",
        AnswerKind.ACTIVATION_CONFIRMS,
        "Pour le compte claire.durand@exemple.fr ?",
        email="claire.durand@exemple.fr",
    )
    talk = Conversation("c-1", AT, turns=(turn,))
    erased = agent.erase_person(talk, CLAIRE)

    assert agent.is_about(talk, CLAIRE)
    assert not agent.is_about(erased, CLAIRE)
    assert erased.turns[0].answer == f"Pour le compte {ERASED} ?"
    assert erased.unconfirmed is None
