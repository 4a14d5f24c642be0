"""Problem details: what an answer shows of a violation."""

import json

from shared.answers.violations import ViolationAnswer
from shared.runtime.web.problems import build_refused, respond
from shared.vocabulary.rules import Violation

BROKEN = Violation("CIR-CADRE-01", "cadre", "Ce cadre n'existe pas.", "Corriger.", True)


def test_a_violation_of_a_problem_has_the_fields_of_any_other_answer() -> None:
    (shown,) = json.loads(bytes(respond(build_refused([BROKEN])).body))["violations"]

    assert shown == ViolationAnswer.of(BROKEN).model_dump(mode="json")
    assert shown == {
        "code": "CIR-CADRE-01",
        "field": "cadre",
        "message": "Ce cadre n'existe pas.",
        "remedy": "Corriger.",
    }
