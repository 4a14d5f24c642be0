"""Form of the ids of dossiers and pieces, as `shared.runtime.ids` makes them."""

import re

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def has_id_form(text: str) -> bool:
    """Tell whether `text` may be the id of a dossier or a piece (a UUID in lower case)."""
    return _UUID.fullmatch(text) is not None
