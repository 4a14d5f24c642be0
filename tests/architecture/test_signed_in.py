"""Callers of tests and demos sign in: their headers are built in few places."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_HEADER = re.compile(
    r"""["'](x-structure|x-role|x-desk|x-agent|authorization)["']""", re.IGNORECASE
)
BUILDERS = {
    "deploy/local/sign_in.py": "of demos and of whole platforms",
    "tests/kit/access.py": "of services that run alone",
    "tests/kit/fake_access.py": "of applications without a service",
}
"""Files that build the headers of a caller, and of which tests."""
ALTERED = {
    "deploy/local/issuer/app.py": "reads the token that its userinfo is asked with",
    "tests/fuzz/calls.py": "keeps the headers by which a thing was made",
    "tests/integration/deploy/test_up.py": "uses what `make up` prints",
    "tests/architecture/test_described_headers.py": "names the headers that OpenAPI describes",
    "tests/integration/deploy/test_issuer.py": "shows tokens to the issuer itself",
    "tests/integration/notification/test_subscriptions_http.py": "changes the role of a caller",
    "tests/integration/support/test_chat.py": "changes the role of a caller",
    "tests/integration/support/test_chat_refusals.py": "leaves out what a caller must choose",
    "tests/integration/organisation/people.py": "signs up people, who choose no structure at first",
    "tests/integration/organisation/test_machines.py": "sends the tokens that organisation signs",
    "tests/integration/organisation/test_personal_data.py": "sends tokens that no log may hold",
    "tests/contracts/test_breaking_openapi.py": "changes described headers",
}
"""Files that change the headers of a caller, and why."""
JUDGED = ("tests/integration/access", "tests/integration/authz", "tests/integration/rights")
"""Folders of tests about tokens and rights themselves: they send what must be refused."""
_FOLDERS = (
    "deploy/local",
    *(f"tests/{each}" for each in ("architecture", "bench", "contracts", "fuzz", "integration")),
    *(f"tests/{each}" for each in ("kit", "parcours", "upgrade")),
)


def find_headers(text: str) -> list[str]:
    """Find the headers of identity that a text writes."""
    return [found.lower() for found in _HEADER.findall(text)]


def find_files() -> dict[str, list[str]]:
    """Find the files that write a header of identity, and which."""
    files = (path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.py"))
    own = Path(__file__).name
    found = {
        str(path.relative_to(ROOT)): find_headers(path.read_text(encoding="utf-8"))
        for path in files
        if path.name != own
    }
    return {
        path: headers for path, headers in found.items() if headers and not path.startswith(JUDGED)
    }


def test_no_other_file_writes_a_header_of_identity() -> None:
    assert set(find_files()) == {*BUILDERS, *ALTERED}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('headers={"X-Structure": siret}', ["x-structure"]),
        ("named['x-role']", ["x-role"]),
        ('{"Authorization": f"Bearer {token}", "X-Desk": desk}', ["authorization", "x-desk"]),
        ("build_member(structure).headers", []),
        ("the header X-Structure chooses", []),
    ],
)
def test_a_header_is_seen_where_it_is_written(text: str, expected: list[str]) -> None:
    assert find_headers(text) == expected
