"""Real e-invoices: whatever refuses them is a business rule, never the parser."""

from pathlib import Path

import pytest

from shared.vocabulary.roles import Role
from tests.integration.deposit.world import World, acting, beside, codes
from tests.kit.einvoices import SampleSettings

FOLDER = SampleSettings().folder
UNNAMED = FOLDER / "pdf-fr-unknown-attachment-name.pdf"
"""Whether its invoice is found is a question to the reader alone."""
SAMPLES = sorted({*FOLDER.glob("*.xml"), *FOLDER.glob("*.pdf")} - {UNNAMED})


@pytest.fixture
def content(sample: Path) -> bytes:
    return sample.read_bytes()


@pytest.mark.skipif(not SAMPLES, reason=f"the folder of real e-invoices, {FOLDER}, is not here")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
async def test_a_real_e_invoice_is_read_and_refused_by_business_rules_alone(
    world: World, sample: Path, content: bytes
) -> None:
    answer = await world.deposit(
        content, beside(), acting(Role.TITULAIRE), name=sample.name, dry_run=True
    )

    body = answer.json()
    assert answer.status_code == 200
    assert not body["accepted"]
    files = {code for code, _ in codes(answer) if code.startswith("DEP-FILE")}
    if sample.name == "pdf-fr-unknown-attachment-name.pdf":
        assert files == {"DEP-FILE-14"}
        return
    assert not files
    is_chorus = "-chorus-" in sample.name
    assert (("DEP-META-04", "cadre") in codes(answer)) is not is_chorus
    is_plain = sample.name == "pdf-without-invoice.pdf"
    assert (body["read"]["syntax"] == "PDF") is is_plain
    assert (body["read"]["number"] is None) is is_plain
