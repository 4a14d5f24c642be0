"""Who asks and who is asked: each is held against the directory."""

from collections.abc import Iterable
from datetime import date

import pytest

from services.support.access.domain.parties import (
    Issuer,
    Recipient,
    judge_issuer,
    judge_recipient,
    normalise_mailbox,
)
from services.support.chat.domain.chat import ChatRequest
from services.support.chat.domain.validation import judge_request
from services.support.settings import DATA, load_catalogue
from services.support.tickets.domain.tickets import Content
from services.support.tickets.domain.validation import judge_draft, judge_submission
from shared.circuit.parties import Service, Structure
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.structures import MoaParameter, StructureKind, StructureStatus

CATALOGUE = load_catalogue(DATA / "catalogue.csv")
TODAY = date(2026, 11, 30)
ACTIVE, GONE = "90000000300013", "90000000400011"
DIRECTORY = {
    name: Structure(
        id=name,
        kind=StructureKind.PUBLIQUE,
        status=status,
        moa=MoaParameter.SANS,
        version=1,
        services={
            "TRAVAUX": Service(),
            "FERME": Service(active=False),
            "ECHU": Service(valid_until=date(2026, 11, 29)),
        },
    )
    for name, status in ((ACTIVE, StructureStatus.ACTIF), (GONE, StructureStatus.INACTIF))
}


def codes(violations: Iterable[Violation]) -> list[tuple[str, str]]:
    return [(each.code, each.field) for each in violations]


@pytest.mark.parametrize(
    ("recipient", "broken"),
    [
        (Recipient(ACTIVE), []),
        (Recipient(ACTIVE, "TRAVAUX"), []),
        (Recipient("nulle part"), [("SUP-DESTINATAIRE-02", "recipient.structure")]),
        (Recipient("nulle part", "TRAVAUX"), [("SUP-DESTINATAIRE-02", "recipient.structure")]),
        (Recipient("s" * 101), [("SUP-TEXTE-02", "recipient.structure")]),
        (Recipient(GONE), [("SUP-DESTINATAIRE-03", "recipient.structure")]),
        (Recipient(ACTIVE, "AUTRE"), [("SUP-SERVICE-01", "recipient.service")]),
        (Recipient(ACTIVE, "FERME"), [("SUP-SERVICE-02", "recipient.service")]),
        (Recipient(ACTIVE, "ECHU"), [("SUP-SERVICE-02", "recipient.service")]),
        (Recipient(ACTIVE, "a\nb"), [("SUP-TEXTE-03", "recipient.service")]),
        (
            Recipient(GONE, "AUTRE"),
            [
                ("SUP-DESTINATAIRE-03", "recipient.structure"),
                ("SUP-SERVICE-01", "recipient.service"),
            ],
        ),
    ],
)
def test_somebody_must_be_there_to_answer(
    recipient: Recipient, broken: list[tuple[str, str]]
) -> None:
    content = Content("M_REFUS", "Refus", "Pourquoi ?", recipient)

    assert codes(judge_recipient(recipient, DIRECTORY, TODAY)) == broken
    assert codes(judge_draft(content, CATALOGUE, DIRECTORY, TODAY)) == broken
    assert codes(judge_submission(content, CATALOGUE, DIRECTORY, TODAY)) == broken


def test_a_chat_is_for_a_structure_that_is_known() -> None:
    wish = ChatRequest("M_REFUS", "nulle part")

    assert codes(judge_request(wish, CATALOGUE, DIRECTORY)) == [
        ("SUP-DESTINATAIRE-02", "recipient")
    ]
    assert judge_request(ChatRequest("M_REFUS", ACTIVE), CATALOGUE, DIRECTORY) == ()


@pytest.mark.parametrize(
    ("issuer", "broken"),
    [
        (Issuer(ACTIVE, Role.MOE, "TRAVAUX"), []),
        # Who was closed may ask why, and who is not yet known how to be.
        (Issuer(ACTIVE, Role.MOE, "FERME"), []),
        (Issuer(GONE, Role.MOE), []),
        (Issuer("nulle part", Role.MOE, "TRAVAUX"), []),
        (Issuer(ACTIVE, Role.MOE, "AUTRE"), [("SUP-SERVICE-01", "service")]),
        (Issuer(ACTIVE, Role.MOE, "x" * 101), [("SUP-TEXTE-02", "service")]),
        (Issuer(email="prenom.nom+x@sous.domaine.fr"), []),
    ],
)
def test_who_asks_is_of_a_service_that_exists(
    issuer: Issuer, broken: list[tuple[str, str]]
) -> None:
    assert codes(judge_issuer(issuer, DIRECTORY)) == broken


@pytest.mark.parametrize("email", ["", "a", "a@b", "a b@c.fr", "<a@b.fr>", "a@b.fr\n", "a@@b.fr"])
def test_what_is_no_address_is_refused(email: str) -> None:
    assert codes(judge_issuer(Issuer(email=email), {})) == [("SUP-EMAIL-01", "email")]


@pytest.mark.parametrize(
    "email", ["V@x.fr", "v+1@x.fr", "\uff56@x.fr", "v+a+b@X.FR", "\uff36\uff0b9@x.fr"]
)
def test_one_mailbox_has_one_name_however_its_address_is_written(email: str) -> None:
    assert normalise_mailbox(email) == "v@x.fr"
