"""Golden events for tests: those of `tests/contracts/golden`, with the ids of another entity."""

import json
from pathlib import Path
from typing import Any

from shared.contracts.envelope import Event

GOLDEN = Path(__file__).parents[1] / "contracts" / "golden"


def read_golden(kind: Any, entity: str, **changes: object) -> Event[Any]:  # noqa: ANN401 - a payload's type
    """Read the first golden event of a type, as one of `entity` with `changes` in its data."""
    path = GOLDEN / kind.event_type / "1.json"
    event = json.loads(path.read_text(encoding="utf-8"))
    event["data"] |= changes
    if "dossierid" in event:
        event |= {"dossierid": entity}
    event |= {"id": f"{entity}-{changes}"[:100], "subject": entity}
    reader: Any = Event.__class_getitem__(kind)
    found: Event[Any] = reader.model_validate(event)
    return found
