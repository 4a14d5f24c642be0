"""Machines: scopes, secrets, what a token may hold, and the errors of RFC 6749."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote_plus, urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from services.organisation.machines.adapters.secrets import RandomSecrets
from services.organisation.machines.adapters.signing import (
    SigningKeysError,
    parse_signing_keys,
)
from services.organisation.machines.application.messages import build_state
from services.organisation.machines.application.tokens import Credentials
from services.organisation.machines.domain import machines
from services.organisation.machines.domain.machines import Machine, Secret
from services.organisation.machines.domain.scopes import Scope, parse_scope, sort_scopes
from services.organisation.machines.domain.token_requests import TokenRefusal, choose_scopes
from services.organisation.machines.entrypoints.credentials import (
    FORM,
    TokenRequest,
    read_token_request,
)
from shared.contracts.organisation_v1 import PrincipalChanged
from shared.rights.model import Level

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
READS = Scope("factures_de_travaux", Level.CONSULTATION)
WRITES = Scope("factures_de_travaux", Level.MODIFICATION)
PAYS = Scope("factures_recues", Level.MODIFICATION)
OWNER, OTHER = "90000000100017", "90000000300013"


def secret(number: int, expires_at: datetime = NOW + YEAR, *, announced: bool = False) -> Secret:
    return Secret(f"s{number}", str(number) * 64, NOW, expires_at, announced)


def machine(*secrets: Secret, **grants: tuple[Scope, ...]) -> Machine:
    others = {name.removeprefix("of_"): each for name, each in grants.items()}
    return Machine(
        client_id="m-1",
        name="Logiciel de facturation",
        owner=OWNER,
        version=1,
        created_at=NOW,
        grants={OWNER: (WRITES,), **others},
        secrets=secrets,
    )


def codes(outcome: object) -> list[str]:
    assert isinstance(outcome, tuple)
    return [each.code for each in outcome]


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("factures_de_travaux:modification", WRITES),
        ("factures_de_travaux:consultation", READS),
        ("factures_de_travaux", None),
        ("factures_de_travaux:", None),
        ("factures_de_travaux:admin", None),
        ("inconnue:consultation", None),
        ("factures_de_travaux:modification:x", None),
        ("", None),
    ],
)
def test_a_scope_is_an_application_and_a_level_of_the_catalogue(
    text: str, scope: Scope | None
) -> None:
    assert parse_scope(text) == scope


def test_a_scope_that_another_covers_is_left_out() -> None:
    assert sort_scopes([READS, PAYS, WRITES, WRITES]) == (WRITES, PAYS)


def test_two_secrets_are_valid_at_once_and_a_third_is_refused() -> None:
    one = machine(secret(1))
    two = machines.add_secret(one, secret(2), NOW)
    assert isinstance(two, Machine)
    assert [each.id for each in two.list_valid(NOW)] == ["s1", "s2"]

    assert codes(machines.add_secret(two, secret(3), NOW)) == ["ORG-SECRET-01"]
    renewed = machines.add_secret(machines.remove_secret(two, "s1"), secret(3), NOW)
    assert isinstance(renewed, Machine)
    assert [each.id for each in renewed.secrets] == ["s2", "s3"]


def test_an_expired_secret_is_no_longer_accepted_and_gives_way() -> None:
    old = machine(secret(1, NOW), secret(2))
    assert [each.id for each in old.list_valid(NOW - timedelta(seconds=1))] == ["s1", "s2"]
    assert [each.id for each in old.list_valid(NOW)] == ["s2"]

    renewed = machines.add_secret(old, secret(3), NOW)
    assert isinstance(renewed, Machine)
    assert [each.id for each in renewed.secrets] == ["s2", "s3"]


@pytest.mark.parametrize(
    ("days", "announced", "due"),
    [(31, False, False), (30, False, True), (1, False, True), (1, True, False), (0, False, False)],
)
def test_the_end_of_a_secret_is_announced_once_thirty_days_before(
    days: int, announced: bool, due: bool
) -> None:
    one = machine(secret(1, NOW + timedelta(days=days), announced=announced))

    assert bool(one.find_due(NOW)) is due
    marked = machines.mark_announced(one, one.find_due(NOW))
    assert marked.find_due(NOW) == ()
    assert marked.version == one.version


def test_a_second_structure_grants_scopes_of_its_own_and_takes_them_back() -> None:
    granted = machines.grant(machine(secret(1)), OTHER, [PAYS], known=0)
    assert isinstance(granted, Machine)
    assert granted.grants == {OWNER: (WRITES,), OTHER: (PAYS,)}
    assert granted.scopes == (WRITES, PAYS)

    left = machines.withdraw(granted, OTHER)
    assert left.grants == {OWNER: (WRITES,)}
    assert left.is_active


def test_the_owner_deletes_the_machine_for_all() -> None:
    granted = machine(secret(1), **{f"of_{OTHER}": (PAYS,)})
    closed = machines.withdraw(granted, OWNER)

    assert (closed.is_active, closed.grants, closed.secrets) == (False, {}, ())
    event = build_state(closed, NOW, "c").payload
    assert isinstance(event, PrincipalChanged)
    assert (event.active, event.attachments, event.version) == (False, (), 2)


def test_only_the_owner_touches_the_secrets() -> None:
    assert machines.judge_owner(machine(), OWNER) == ()
    assert codes(machines.judge_owner(machine(), OTHER)) == ["ORG-MACHINE-07"]


def test_what_a_machine_may_be() -> None:
    assert machines.judge_new("Logiciel", 49, has_scopes=True) == ()
    assert codes(machines.judge_new(" ", 50, has_scopes=False)) == [
        "ORG-MACHINE-02",
        "ORG-MACHINE-03",
        "ORG-MACHINE-05",
    ]
    assert codes(machines.grant(machine(), OTHER, [], known=0)) == ["ORG-MACHINE-03"]
    assert codes(machines.grant(machine(), OTHER, [PAYS], known=50)) == ["ORG-MACHINE-05"]
    assert isinstance(machines.grant(machine(), OWNER, [PAYS], known=50), Machine)
    full = machine(**{f"of_{number}": (PAYS,) for number in range(99)})
    assert codes(machines.grant(full, OTHER, [PAYS], known=0)) == ["ORG-MACHINE-06"]


def test_the_event_of_a_machine_names_its_habilitations_and_nobody() -> None:
    granted = machine(secret(1), **{f"of_{OTHER}": (PAYS,)})
    message = build_state(granted, NOW, "c")

    assert (message.topic.name, message.key) == ("organisation.habilitation.v1", "m-1")
    assert message.payload.model_dump(mode="json", exclude_none=True) == {
        "principal": "m-1",
        "version": 1,
        # SHA-256 of "machine:m-1"
        "identity": "68331531dc7dbc524266535d3ba01670436759cbe635b6273da08760f2b696bc",
        "kind": "machine",
        "active": True,
        "attachments": [
            {
                "structure": OWNER,
                "habilitations": [{"application": "factures_de_travaux", "level": "modification"}],
            },
            {
                "structure": OTHER,
                "habilitations": [{"application": "factures_recues", "level": "modification"}],
            },
        ],
        "platform_roles": [],
        "at": "2026-11-30T09:00:00Z",
    }


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, [WRITES, PAYS]),
        ("factures_recues:modification", [PAYS]),
        ("factures_de_travaux:consultation", [READS]),
        ("factures_de_travaux:consultation factures_de_travaux:modification", [WRITES]),
        ("factures_emises:consultation", None),
        ("factures_recues:modification factures_emises:consultation", None),
        ("tout", None),
        (" ", None),
    ],
)
def test_a_token_holds_what_is_wanted_and_never_more_than_is_granted(
    wanted: str | None, chosen: Sequence[Scope] | None
) -> None:
    outcome = choose_scopes([WRITES, PAYS], wanted)

    if chosen is None:
        assert isinstance(outcome, TokenRefusal)
        assert outcome.code == "invalid_scope"
    else:
        assert not isinstance(outcome, TokenRefusal)
        assert list(outcome) == chosen


def test_a_level_of_consultation_is_not_widened() -> None:
    outcome = choose_scopes([READS], "factures_de_travaux:modification")

    assert isinstance(outcome, TokenRefusal)
    assert isinstance(choose_scopes([], None), TokenRefusal)


def basic(client_id: str, text: str) -> list[str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(text)}"
    return [f"Basic {base64.b64encode(pair.encode()).decode()}"]


def read(
    form: dict[str, str] | bytes,
    authorizations: Sequence[str] = (),
    content_type: str = FORM,
) -> TokenRequest | TokenRefusal:
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    return read_token_request(content_type, body, authorizations)


GRANT = {"grant_type": "client_credentials"}


@pytest.mark.parametrize(
    ("form", "authorizations"),
    [
        (GRANT, basic("m-1", "a+b:c%é")),
        (GRANT | {"client_id": "m-1", "client_secret": "a+b:c%é"}, []),
        (GRANT | {"client_id": "m-1"}, basic("m-1", "a+b:c%é")),
        (GRANT | {"resource": "inconnu"}, basic("m-1", "a+b:c%é")),
    ],
)
def test_credentials_come_by_basic_or_in_the_form(
    form: dict[str, str], authorizations: list[str]
) -> None:
    assert read(form, authorizations) == TokenRequest(Credentials("m-1", "a+b:c%é"), None)


def test_an_empty_parameter_is_left_out() -> None:
    asked = read({**GRANT, "scope": ""}, basic("m-1", "s"))

    assert asked == TokenRequest(Credentials("m-1", "s"), None)


@pytest.mark.parametrize(
    ("form", "authorizations", "content_type", "code"),
    [
        ({}, basic("m", "s"), FORM, "invalid_request"),
        (b"", basic("m", "s"), FORM, "invalid_request"),
        (b"grant_type=client_credentials&grant_type=x", basic("m", "s"), FORM, "invalid_request"),
        (b"grant_type", basic("m", "s"), FORM, "invalid_request"),
        (b"grant_type=%ff", basic("m", "s"), FORM, "invalid_request"),
        ("é".encode(), basic("m", "s"), FORM, "invalid_request"),
        (b"&".join([b"a=b"] * 30), basic("m", "s"), FORM, "invalid_request"),
        (GRANT, basic("m", "s"), "application/json", "invalid_request"),
        (GRANT, basic("m", "s"), "", "invalid_request"),
        (GRANT | {"scope": "a" * 2001}, basic("m", "s"), FORM, "invalid_request"),
        ({"grant_type": "password"}, basic("m", "s"), FORM, "unsupported_grant_type"),
        (GRANT, [], FORM, "invalid_client"),
        (GRANT | {"client_id": "m"}, [], FORM, "invalid_client"),
        (GRANT, ["Bearer abc"], FORM, "invalid_client"),
        (GRANT, ["Basic"], FORM, "invalid_client"),
        (GRANT, ["Basic é"], FORM, "invalid_client"),
        (GRANT, ["Basic " + base64.b64encode(b"m").decode()], FORM, "invalid_client"),
        (GRANT, ["Basic " + base64.b64encode(b":s").decode()], FORM, "invalid_client"),
        (GRANT, ["Basic " + base64.b64encode(b"\xff:s").decode()], FORM, "invalid_client"),
        (GRANT | {"client_secret": "s"}, basic("m", "s"), FORM, "invalid_request"),
        (GRANT | {"client_id": "n"}, basic("m", "s"), FORM, "invalid_request"),
        (GRANT, basic("m", "s") * 2, FORM, "invalid_request"),
    ],
)
def test_a_faulty_request_gets_its_error(
    form: dict[str, str] | bytes, authorizations: list[str], content_type: str, code: str
) -> None:
    refusal = read(form, authorizations, content_type)

    assert isinstance(refusal, TokenRefusal)
    assert refusal.code == code
    # RFC 6749, 5.2: %x20-21 / %x23-5B / %x5D-7E
    assert all(" " <= each <= "~" and each not in '"\\' for each in refusal.description)


def test_a_secret_has_256_bits_and_is_found_among_those_that_are_kept() -> None:
    secrets = RandomSecrets()
    first, second = secrets.make(), secrets.make()

    assert len(base64.urlsafe_b64decode(first.text + "=")) == 32
    assert first.text != second.text
    assert first.text not in first.digest
    digests = [first.digest, second.digest]
    assert [secrets.matches(each.text, digests) for each in (first, second)] == digests
    assert secrets.matches("autre", digests) is None
    assert secrets.matches(first.digest, digests) is None
    assert secrets.matches("", []) is None
    assert secrets.matches("\ud800", digests) is None


def private(key: RSAKey | ECKey | OctKey, **changes: object) -> dict[str, object]:
    return {**key.as_dict(private=True), **changes}


EC, RSA = ECKey.generate_key("P-256", auto_kid=True), RSAKey.generate_key(2048, auto_kid=True)


@pytest.mark.parametrize(("first", "algorithm"), [(EC, "ES256"), (RSA, "RS256")])
def test_the_first_key_signs_and_all_are_published(first: RSAKey | ECKey, algorithm: str) -> None:
    second = RSA if first is EC else EC
    keys = parse_signing_keys(json.dumps([private(first), second.as_dict(private=False)]))
    token = keys.sign({"sub": "m-1"})
    published = keys.publish()

    decoded = jwt.decode(
        token, KeySet.import_key_set(cast("Any", published)), algorithms=[algorithm]
    )
    assert decoded.claims == {"sub": "m-1"}
    assert decoded.header == {"alg": algorithm, "kid": first.kid, "typ": "at+jwt"}
    assert [each["kid"] for each in published["keys"]] == [first.kid, second.kid]
    secret_parts = {"d", "p", "q", "dp", "dq", "qi", "k"}
    assert all(secret_parts.isdisjoint(each) for each in published["keys"])


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ("pas du JSON", "that is no JSON: a list of private JWKs"),
        ("[" * 100_000, "that is no JSON: a list of private JWKs"),
        ("{}", "that is no JSON list of private JWKs"),
        ("[1]", "key 1 is no JWK, which is a JSON object"),
        ('[{"kty": "RSA"}]', "key 1 is no JWK that can be read"),
        (
            json.dumps([private(OctKey.generate_key(256))]),
            "key 1 is neither RSA nor P-256: RS256 or ES256 only",
        ),
        (
            json.dumps([private(ECKey.generate_key("P-384"))]),
            "key 1 is neither RSA nor P-256: RS256 or ES256 only",
        ),
        (
            json.dumps([EC.as_dict(private=False)]),
            "key 1 is public: the first signs, so it is a private one",
        ),
        (json.dumps([private(EC), private(EC)]), f"two keys have the kid {EC.kid}"),
        (
            json.dumps([private(EC, alg="RS256")]),
            "key 1 signs by ES256, and states another alg",
        ),
        (json.dumps([private(EC, use="enc")]), "key 1 is not for signatures: its use is sig"),
    ],
    # Keys differ at each run: the workers of one run must name the tests alike.
    ids=range(11),
)
def test_signing_keys_that_cannot_be_used_are_named_and_not_quoted(
    setting: str, fault: str
) -> None:
    with pytest.raises(SigningKeysError) as raised:
        parse_signing_keys(setting)

    assert str(raised.value) == fault
    assert str(EC.as_dict(private=True)["d"]) not in str(raised.value)


def test_a_short_rsa_key_is_refused() -> None:
    with pytest.warns(match="2048"), pytest.raises(SigningKeysError, match="key 1 has 1024 bits"):
        parse_signing_keys(json.dumps([private(RSAKey.generate_key(1024))]))


def test_without_keys_there_is_nothing_to_publish() -> None:
    keys = parse_signing_keys("[]")

    assert not keys.can_sign
    assert keys.publish() == {"keys": []}
