"""Accounts over HTTP, with the mails that people get, on a real broker and store."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import Addresses
from shared.contracts.envelope import Event, encode
from shared.contracts.organisation_v1 import PrincipalChanged
from shared.contracts.support_v1 import ActivationLinkRequested
from shared.contracts.topics import ACTIVATION, HABILITATION
from shared.runtime.clock import build_clock
from shared.runtime.ids import new_id
from shared.vocabulary.siret import is_siret
from tests.integration.organisation.people import Signed, read_mails, wait_for_token
from tests.kit.access import get_access
from tests.kit.topics import read_until
from tests.kit.waiting import wait_until

PDF = ("kbis.pdf", b"%PDF-1.7 extrait Kbis", "application/pdf")
SignIn = Callable[..., Signed]
APPLICATIONS = {
    "factures_de_travaux",
    "factures_emises",
    "factures_recues",
    "organisation",
    "sollicitations",
}


@pytest.fixture
def sign_in(http: httpx.AsyncClient) -> SignIn:
    def sign(name: str, structure: str | None = None, siret: str | None = None) -> Signed:
        return Signed(http, get_access(), f"{name}@exemple.fr", structure, siret)

    return sign


async def create(sign_in: SignIn, siret: str, name: str) -> Signed:
    """Create a structure, whose SIRET the token proves: who does is its first main manager."""
    founder = sign_in(name, siret=siret)
    body = {
        "identifier_type": "SIRET",
        "identifier": siret,
        "name": "Ville de Vaubrun",
        "kind": "PUBLIQUE",
        "services": [{"code": "VOIRIE", "name": "Voirie"}],
    }
    await founder.do("PUT", f"/structures/{siret}", json=body)
    return sign_in(name, siret, siret)


async def test_who_creates_a_structure_is_its_first_main_manager(
    sign_in: SignIn, siret: str, addresses: Addresses
) -> None:
    chief = await create(sign_in, siret, f"chef-{siret}")

    me = await chief.do("GET", "/me")
    (attachment,) = me["attachments"]
    assert (attachment["structure_id"], attachment["status"], attachment["manager"]) == (
        siret,
        "VALIDEE",
        "principal",
    )
    assert attachment["structure_name"] == "Ville de Vaubrun"
    assert {(each["application"], each["level"]) for each in attachment["habilitations"]} == {
        (each, "modification") for each in APPLICATIONS
    }
    users = await chief.do("GET", f"/structures/{siret}/attachments")
    assert [each["email"] for each in users["attachments"]] == [chief.email]
    values = await read_until(
        addresses.kafka, HABILITATION, lambda record: record.key.decode() == me["user_id"], 2
    )
    told = [Event[PrincipalChanged].model_validate_json(value).data for value in values]
    assert [each.version for each in told] == [1, 2]
    assert [each.structure for each in told[-1].attachments] == [siret]
    assert b"@" not in b"".join(values)


async def _is_denied(person: Signed, path: str) -> bool:
    """Tell whether a person is known, and not attached to the structure of a path."""
    return await person.fail("GET", path) == (403, "HTTP-DROIT-01")


async def test_a_person_asks_waits_is_approved_and_asks_for_more(
    sign_in: SignIn, siret: str, addresses: Addresses
) -> None:
    chief = await create(sign_in, siret, f"chef-{siret}")
    marie = sign_in(f"marie-{siret}")
    here = f"/structures/{siret}"

    asked = await marie.do("POST", f"{here}/attachments")
    as_member = sign_in(f"marie-{siret}", siret)
    assert asked["status"] == "EN_COURS_DE_VALIDATION"
    # Who waits may do nothing there, and approves nothing.
    await wait_until(
        lambda: _is_denied(as_member, f"{here}/attachments"), "the account is known, and no more"
    )
    decision = f"{here}/attachments/{asked['user_id']}/decision"
    approve = {"decision": "approuver"}
    assert (await as_member.fail("POST", decision, json=approve))[0] == 403

    approved = await chief.do("POST", decision, json=approve)
    assert {each["level"] for each in approved["habilitations"]} == {"consultation"}
    await as_member.do("GET", f"{here}/attachments")
    assert await as_member.fail("POST", decision, json=approve) == (403, "HTTP-DROIT-02")

    wanted = [{"application": "factures_de_travaux", "level": "modification", "service": "VOIRIE"}]
    request = await as_member.do(
        "POST", "/me/habilitation-requests", json={"structure_id": siret, "habilitations": wanted}
    )
    assert request["status"] == "EN_COURS_DE_VALIDATION"
    listed = await chief.do("GET", f"{here}/habilitation-requests")
    assert [each["email"] for each in listed["requests"]] == [marie.email]
    decide = f"{here}/habilitation-requests/{request['request_id']}/decision"
    assert await chief.fail("POST", decide, json={"decision": "refuser"}) == (
        422,
        "ORG-DECISION-04",
    )
    await chief.do("POST", decide, json=approve)
    held = (await marie.do("GET", "/me"))["attachments"][0]["habilitations"]
    assert wanted[0] in held
    assert await chief.fail("POST", decide, json=approve) == (409, "ORG-DECISION-03")

    audit = await chief.do("GET", f"{here}/audit")
    assert [each["act"] for each in audit["entries"]] == [
        "gestionnaire.premier",
        "structure.creee",
        "rattachement.demande",
        "rattachement.approuve",
        "habilitations.demandees",
        "habilitations.approuvees",
    ]
    assert "@" not in str(audit)
    subjects = [str(each["Subject"]) for each in read_mails(addresses.mails, marie.email)]
    assert "Votre demande de rattachement à Ville de Vaubrun" in subjects


async def test_an_invitation_is_accepted_by_its_link_once(
    sign_in: SignIn, siret: str, addresses: Addresses
) -> None:
    chief = await create(sign_in, siret, f"chef-{siret}")
    paul = sign_in(f"paul-{siret}")
    here = f"/structures/{siret}/invitations"

    invited = await chief.do(
        "POST", here, json={"email": paul.email.upper(), "manager": "secondaire"}
    )
    token = await wait_for_token(addresses.mails, paul.email)
    assert token not in str(await chief.do("GET", here))
    other = sign_in(f"autre-{siret}")
    refused = await other.fail("POST", "/invitations/acceptance", json={"token": token})
    unknown = await other.fail("POST", "/invitations/acceptance", json={"token": "x" * 43})
    assert refused == unknown == (422, "ORG-LIEN-01")
    key = {"Idempotency-Key": "accepter"}
    joined = await paul.do("POST", "/invitations/acceptance", json={"token": token}, headers=key)
    again = await paul.send("POST", "/invitations/acceptance", json={"token": token}, headers=key)
    assert (joined["manager"], joined["status"]) == ("secondaire", "VALIDEE")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (joined, "true")
    late = await paul.fail("POST", "/invitations/acceptance", json={"token": token})
    assert late == (422, "ORG-LIEN-01")
    assert await chief.fail("DELETE", f"{here}/{invited['invitation_id']}") == (
        409,
        "ORG-INVITATION-03",
    )


async def test_the_last_main_manager_stays_until_another_one_is_named(
    sign_in: SignIn, siret: str
) -> None:
    chief = await create(sign_in, siret, f"chef-{siret}")
    here = f"/structures/{siret}/attachments"
    marie = await sign_in(f"marie-{siret}").do("POST", here)
    user = f"{here}/{marie['user_id']}"
    leave = f"/me/attachments/{siret}"

    assert await chief.fail("DELETE", leave) == (409, "ORG-GESTIONNAIRE-01")
    await chief.do(
        "POST", f"{user}/decision", json={"decision": "approuver", "manager": "principal"}
    )
    left = await chief.do("DELETE", leave)
    assert left["status"] == "SUPPRIMEE"
    successor = sign_in(f"marie-{siret}", siret)
    await successor.do("GET", here)
    assert await successor.fail("DELETE", leave) == (409, "ORG-GESTIONNAIRE-01")


async def test_habilitations_are_replaced_by_the_version_that_was_read(
    sign_in: SignIn, siret: str
) -> None:
    chief = await create(sign_in, siret, f"chef-{siret}")
    here = f"/structures/{siret}/attachments"
    marie = await sign_in(f"marie-{siret}").do("POST", here)
    user = f"{here}/{marie['user_id']}"
    await chief.do("GET", here)  # `send` does not wait until the service knows the manager
    approved = await chief.send("POST", f"{user}/decision", json={"decision": "approuver"})
    body = {"habilitations": [{"application": "sollicitations", "level": "modification"}]}

    stale = await chief.fail("PUT", f"{user}/habilitations", json=body, headers={"If-Match": '"1"'})
    etag = {"If-Match": approved.headers["ETag"]}
    changed = await chief.send("PUT", f"{user}/habilitations", json=body, headers=etag)
    again = await chief.send("PUT", f"{user}/habilitations", json=body, headers=etag)

    assert stale == (412, "ORG-HABILITATION-06")
    assert changed.status_code == again.status_code == 200
    assert changed.json() == again.json()
    unknown = {"habilitations": [{"application": "paie", "level": "modification"}]}
    assert await chief.fail("PUT", f"{user}/habilitations", json=unknown) == (
        422,
        "ORG-HABILITATION-01",
    )


async def test_one_manager_does_nothing_for_the_structure_of_another(
    sign_in: SignIn, siret: str
) -> None:
    chief = await create(sign_in, siret, f"chef-{siret}")
    other_siret = next(
        each for key in range(10) if is_siret(each := f"{siret[:9]}0001{key}") and each != siret
    )
    other = await create(sign_in, other_siret, f"autre-{siret}")
    await other.do("GET", f"/structures/{other_siret}/attachments")
    me = await chief.do("GET", "/me")
    theirs = f"/structures/{siret}"

    answers = [
        await other.fail("GET", f"{theirs}/attachments"),
        await other.fail("GET", f"{theirs}/invitations"),
        await other.fail("GET", f"{theirs}/audit"),
        await other.fail("POST", f"{theirs}/invitations", json={"email": "a@exemple.fr"}),
        await other.fail("DELETE", f"{theirs}/attachments/{me['user_id']}"),
        await other.fail(
            "PUT", f"{theirs}/attachments/{me['user_id']}/manager", json={"manager": None}
        ),
    ]

    assert answers == [(403, "HTTP-DROIT-01")] * len(answers)


def run(addresses: Addresses, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of an operator."""
    command = [sys.executable, "-m", "services.organisation", *words, "--mongo", addresses.mongo]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


async def test_a_structure_is_granted_by_an_operator_for_its_proof(
    sign_in: SignIn, siret: str, addresses: Addresses
) -> None:
    jean, operator = sign_in(f"jean-{siret}"), sign_in(f"operateur-{siret}")
    form = {
        "identifier_type": "SIRET",
        "identifier": siret,
        "name": "Atelier Lagarde",
        "kind": "PRIVEE",
    }

    asked = await jean.do("POST", "/structure-requests", data=form, files={"proof": PDF})
    assert (asked["status"], asked["proof"]["name"]) == ("EN_COURS_DE_VALIDATION", "kbis.pdf")
    here = f"/structure-requests/{asked['request_id']}"
    approve = {"decision": "approuver"}
    # Until then nobody manages it, and nobody could answer.
    assert (await operator.fail("POST", f"{here}/decision", json=approve))[0] == 403
    assert (await jean.fail("GET", f"{here}/proof"))[0] == 403
    granted = await asyncio.to_thread(run, addresses, "grant-operator", operator.email)
    assert granted.returncode == 0, granted.stderr
    assert "operator" in granted.stdout

    decided = await operator.do("POST", f"{here}/decision", json=approve)
    assert decided["status"] == "VALIDEE"
    proof = await operator.send("GET", f"{here}/proof")
    assert proof.content == PDF[1]
    (attachment,) = (await jean.do("GET", "/me"))["attachments"]
    assert (attachment["structure_id"], attachment["manager"]) == (siret, "principal")
    assert [
        each["structure_id"] for each in (await jean.do("GET", "/structure-requests"))["requests"]
    ] == [siret]
    again = await sign_in(f"second-{siret}").fail(
        "POST", "/structure-requests", data=form, files={"proof": PDF}
    )
    assert again == (409, "ORG-GESTIONNAIRE-03")

    revoked = await asyncio.to_thread(run, addresses, "revoke-operator", operator.email)
    assert revoked.stdout.endswith("none\n")
    verified = await asyncio.to_thread(run, addresses, "verify-audit")
    assert (verified.returncode, verified.stdout[-14:]) == (0, "0 with a fault\n"[-14:])


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (("kbis.pdf", b"", "application/pdf"), "ORG-JUSTIFICATIF-02"),
        (("kbis.exe", b"MZ", "application/pdf"), "ORG-JUSTIFICATIF-05"),
        (("kbis.pdf", b"MZ", "application/pdf"), "ORG-JUSTIFICATIF-06"),
    ],
)
async def test_a_proof_that_is_none_is_refused(
    sign_in: SignIn, siret: str, file: tuple[str, bytes, str], code: str
) -> None:
    form = {"identifier_type": "SIRET", "identifier": siret, "name": "A", "kind": "PRIVEE"}

    refused = await sign_in(f"jean-{siret}").fail(
        "POST", "/structure-requests", data=form, files={"proof": file}
    )

    assert refused == (422, code)


async def test_support_asks_for_a_link_that_registers(
    sign_in: SignIn, siret: str, addresses: Addresses
) -> None:
    marie = sign_in(f"activee-{siret}")
    request = ActivationLinkRequested(
        request=f"demande-{siret}", email=marie.email, requested_at=build_clock()()
    )
    event = Event[ActivationLinkRequested](
        id=new_id(),
        source="/services/support",
        type=ActivationLinkRequested.event_type,
        time=build_clock()(),
        subject=request.request,
        sequence=1,
        correlationid=new_id(),
        data=request,
    )
    async with AIOKafkaProducer(
        bootstrap_servers=addresses.kafka, enable_idempotence=False
    ) as producer:
        for _ in range(2):  # delivered again
            await producer.send_and_wait(
                ACTIVATION.name, encode(event), key=request.request.encode()
            )

    token = await wait_for_token(addresses.mails, marie.email)
    assert (await marie.do("GET", "/me"))["user_id"] is None
    activated = await marie.do("POST", "/activations", json={"token": token})
    assert activated["email"] == marie.email
    assert (await marie.do("GET", "/me"))["user_id"] == activated["user_id"]
    assert len(read_mails(addresses.mails, marie.email)) == 1
