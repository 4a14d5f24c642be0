"""Requests for habilitations: who has them at once, who decides, what becomes of them."""

from dataclasses import replace

import pytest

from services.organisation.accounts.domain.accounts import Account, Decider
from services.organisation.accounts.domain.habilitations import add_habilitations
from services.organisation.accounts.domain.requests import (
    HabilitationRequest,
    Judged,
    Load,
    Outcome,
    RequestStatus,
    approve_request,
    ask_habilitations,
    refuse_request,
    withdraw_request,
)
from shared.rights.model import Habilitation
from tests.unit.organisation.account_builders import (
    MAIN,
    NOW,
    READ,
    READING,
    SECOND,
    SIRET,
    WRITE,
    a_roster,
    a_user,
    attached,
    waiting,
)

CHIEF = a_user("chief", attached(MAIN))
READER = a_user("reader", attached())
TRAVAUX = Habilitation("factures_de_travaux", WRITE)
REQUEST = HabilitationRequest("r1", SIRET, "reader", (TRAVAUX,), NOW)
ROSTER = a_roster("chief")
NO_LOAD = Load(0, 0, 500, 20)


def codes(outcome: Outcome) -> list[str]:
    return [] if isinstance(outcome, Judged) else [each.code for each in outcome]


def done(outcome: Outcome) -> Judged:
    assert isinstance(outcome, Judged), outcome
    return outcome


def ask(account: Account, *wanted: Habilitation, load: Load = NO_LOAD) -> Outcome:
    request = replace(REQUEST, user=account.id, habilitations=wanted)
    return ask_habilitations(request, account, ROSTER, {"VOIRIE"}, load)


@pytest.mark.parametrize(
    ("account", "status"),
    [
        (READER, RequestStatus.EN_COURS_DE_VALIDATION),
        # Who decides for the structure approves their own request, and nobody else does.
        (a_user("m", attached(MAIN, READING)), RequestStatus.VALIDEE),
        (
            a_user("o", attached(None, (Habilitation("organisation", WRITE),))),
            RequestStatus.VALIDEE,
        ),
        (a_user("s", attached(SECOND, READING)), RequestStatus.EN_COURS_DE_VALIDATION),
    ],
)
def test_who_has_what_they_ask_for_at_once(account: Account, status: RequestStatus) -> None:
    asked = done(ask(account, TRAVAUX))

    assert asked.request.status is status
    held = asked.decided.account.find_active(SIRET)
    assert held is not None
    assert (TRAVAUX in held.habilitations) is (status is RequestStatus.VALIDEE)


@pytest.mark.parametrize(
    ("account", "wanted", "load", "expected"),
    [
        (a_user("x"), TRAVAUX, NO_LOAD, ["ORG-RATTACHEMENT-04"]),
        (a_user("x", waiting()), TRAVAUX, NO_LOAD, ["ORG-RATTACHEMENT-04"]),
        (READER, Habilitation("factures_de_travaux", READ), NO_LOAD, ["ORG-DEMANDE-03"]),
        # What holds for all services holds for one.
        (
            READER,
            Habilitation("factures_de_travaux", READ, "VOIRIE"),
            NO_LOAD,
            ["ORG-DEMANDE-03"],
        ),
        (READER, Habilitation("paie", READ), NO_LOAD, ["ORG-HABILITATION-01"]),
        (READER, TRAVAUX, Load(500, 0, 500, 20), ["ORG-DEMANDE-01"]),
        (READER, TRAVAUX, Load(0, 20, 500, 20), ["ORG-DEMANDE-02"]),
    ],
)
def test_what_refuses_a_request(
    account: Account, wanted: Habilitation, load: Load, expected: list[str]
) -> None:
    assert codes(ask(account, wanted, load=load)) == expected


def test_an_approval_adds_and_lowers_nothing() -> None:
    both = (TRAVAUX, Habilitation("sollicitations", READ))
    request = replace(REQUEST, habilitations=both)
    user = a_user("reader", attached(None, (Habilitation("sollicitations", WRITE),)))

    judged = done(approve_request(request, Decider.of(CHIEF, SIRET), user, ROSTER, NOW))

    attachment = judged.decided.account.find_active(SIRET)
    assert attachment is not None
    assert attachment.habilitations == (TRAVAUX, Habilitation("sollicitations", WRITE))
    assert (judged.request.status, judged.request.decided_by) == (RequestStatus.VALIDEE, "chief")


@pytest.mark.parametrize("decider", [READER, a_user("stranger"), a_user("asker", waiting())])
def test_nobody_else_decides(decider: Account) -> None:
    who = Decider.of(decider, SIRET)

    approved = approve_request(REQUEST, who, READER, ROSTER, NOW)
    refused = refuse_request(REQUEST, who, READER, ROSTER, "non", NOW)

    assert codes(approved) == codes(refused) == ["ORG-DECISION-01"]


@pytest.mark.parametrize(
    "status", [RequestStatus.VALIDEE, RequestStatus.REFUSEE, RequestStatus.SUPPRIMEE]
)
def test_what_waits_no_more_is_not_decided(status: RequestStatus) -> None:
    ended, who = replace(REQUEST, status=status), Decider.of(CHIEF, SIRET)

    assert codes(approve_request(ended, who, READER, ROSTER, NOW)) == ["ORG-DECISION-03"]
    assert codes(refuse_request(ended, who, READER, ROSTER, "non", NOW)) == ["ORG-DECISION-03"]


def test_a_request_of_who_is_attached_no_more_is_not_approved() -> None:
    outcome = approve_request(REQUEST, Decider.of(CHIEF, SIRET), a_user("reader"), ROSTER, NOW)

    assert codes(outcome) == ["ORG-RATTACHEMENT-04"]


def test_a_refusal_has_a_reason_and_a_request_may_be_withdrawn_twice() -> None:
    who = Decider.of(CHIEF, SIRET)

    refused = done(refuse_request(REQUEST, who, READER, ROSTER, "plus tard", NOW))
    withdrawn = done(withdraw_request(REQUEST, READER, ROSTER, NOW))
    again = done(withdraw_request(withdrawn.request, READER, withdrawn.decided.roster, NOW))

    assert (refused.request.status, refused.request.reason) == (RequestStatus.REFUSEE, "plus tard")
    assert codes(refuse_request(REQUEST, who, READER, ROSTER, "", NOW)) == ["ORG-DECISION-04"]
    assert withdrawn.request.status is again.request.status is RequestStatus.SUPPRIMEE
    assert again.decided.roster == withdrawn.decided.roster
    assert codes(withdraw_request(refused.request, READER, ROSTER, NOW)) == ["ORG-DECISION-03"]


def test_no_sum_of_approvals_is_above_the_limit() -> None:
    many = tuple(Habilitation("factures_recues", READ, f"S{rank}") for rank in range(60))
    others = tuple(replace(each, service=f"T{each.service}") for each in many)
    user = a_user("reader", attached(None, many))
    request = replace(REQUEST, habilitations=others)

    outcome = approve_request(request, Decider.of(CHIEF, SIRET), user, ROSTER, NOW)

    assert codes(outcome) == ["ORG-HABILITATION-05"]
    assert len(add_habilitations(many, others)) == 120
