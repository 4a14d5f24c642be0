"""Links sent by e-mail: for one address, once, for a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.organisation.accounts.domain.links import (
    Link,
    create_token,
    hash_token,
    judge_link,
)
from tests.unit.organisation.account_builders import NOW, a_user

INVITED = a_user("marie")
LINK = Link(INVITED.identity, hash_token("secret"), NOW + timedelta(hours=72))


@pytest.mark.parametrize(
    ("link", "token", "identity", "hours", "code"),
    [
        (LINK, "secret", INVITED.identity, 0, None),
        (LINK, "secret", INVITED.identity, 71.99, None),
        (LINK, "secret", INVITED.identity, 72, "ORG-LIEN-02"),
        (LINK, "secret", a_user("paul").identity, 0, "ORG-LIEN-01"),
        # Whoever is not invited does not learn that a link has expired.
        (LINK, "secret", a_user("paul").identity, 72, "ORG-LIEN-01"),
        (LINK, "other", INVITED.identity, 0, "ORG-LIEN-01"),
        (LINK, "", INVITED.identity, 0, "ORG-LIEN-01"),
        (replace(LINK, used_by="marie"), "secret", INVITED.identity, 0, "ORG-LIEN-01"),
        (replace(LINK, used_by="marie"), "secret", INVITED.identity, 72, "ORG-LIEN-01"),
    ],
)
def test_who_may_use_a_link(
    link: Link, token: str, identity: str, hours: float, code: str | None
) -> None:
    violation = judge_link(link, token, identity, NOW + timedelta(hours=hours))

    assert (violation and violation.code) == code


def test_a_token_has_256_bits_and_what_is_kept_is_not_it() -> None:
    tokens = {create_token() for _ in range(100)}

    assert len(tokens) == 100
    # 32 bytes in Base64 without padding
    assert {len(each) for each in tokens} == {43}
    # printf secret | sha256sum
    assert hash_token("secret") == (
        "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    )
