"""The record that docs/partners.md shows to partners is a golden one."""

import json
import re

from deploy.local.programs import ROOT
from shared.contracts.topics import ACTEUR
from shared.vocabulary.roles import Role

_PAGE = ROOT / "docs" / "partners.md"
_GOLDEN = ROOT / "tests" / "contracts" / "golden" / "fr.aiguillage.piece.acheminee.v1" / "3.json"
_SHOWN = re.compile(
    r"A record of `(?P<topic>[^`]+)`, whose key is `(?P<key>[^`]+)`.*?"
    r"^```json\n(?P<record>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def test_the_record_that_partners_are_shown_is_a_golden_one() -> None:
    shown = _SHOWN.search(_PAGE.read_text(encoding="utf-8"))
    assert shown

    record = json.loads(shown["record"])
    # Golden events come from no service; the partner's comes from the owner of its topic.
    golden = json.loads(_GOLDEN.read_text(encoding="utf-8")) | {"source": "/services/routing"}
    assert record == golden
    assert record["data"]["prevailing"]["amounts"] != record["data"]["amounts"]
    assert shown["topic"] == ACTEUR[Role(record["data"]["role"])].name
    assert shown["key"] == record["data"]["recipient"]["structure"]
