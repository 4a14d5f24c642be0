"""Every leaf of an export, changed in every way, under a right seal and the true head."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import normalize

from services.portal.domain.verifier import verify
from services.portal.domain.verifier.verify import Export, write_canonical

Contents = dict[str, bytes]
Step = str | int
Place = tuple[Step, ...]


class Held(Export):
    """A verifier of what is held in memory: the same checks, thousands of times."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        super().__init__()
        self._contents = contents

    def read_folder(self, _: Path) -> Iterator[str]:
        for name, content in self._contents.items():
            self.add(name, content)
        return iter(())


@dataclass(frozen=True, slots=True)
class Changed:
    """An export with one change, resealed."""

    where: str
    how: str
    contents: Contents

    def verdict(self, head: str) -> tuple[list[str], list[str]]:
        """Give the faults, and what is said to be unproven."""
        export = Held(self.contents)
        return export.verify(Path(), head), export.unproven


def every_change(contents: Contents) -> Iterator[Changed]:
    """Change each leaf, each key, each list and each line."""
    for name, content in contents.items():
        # Of circuit.json, the verifier knows the SHA-256: a change in it is as good as another.
        if name.endswith(".json") and name != verify.CIRCUIT:
            value = json.loads(content)
            for path, how, other in changes(value):
                if path[:1] != ("sceau",):
                    written = write_canonical(other, 1) + b"\n"
                    yield Changed(shown(name, path), how, resealed(contents, name, written))
        elif name == verify.TRAIL:
            lines = content.splitlines()
            for number, line in enumerate(lines):
                for path, how, other in changes(json.loads(line)):
                    written = b"\n".join(
                        [*lines[:number], write_canonical(other), *lines[number + 1 :]]
                    )
                    yield Changed(shown(name, path), how, resealed(contents, name, written + b"\n"))
        elif name == verify.STATUSES:
            yield from csv_changes(contents, name)
        else:
            for how, other in bytes_changes(content):
                yield Changed(name, how, resealed(contents, name, other))
        yield Changed(name, "is gone", resealed(contents, name, None))
        yield Changed(name, "is there twice", resealed(contents, f"{name}x", content))


def changes(value: Any) -> Iterator[tuple[Place, str, Any]]:  # noqa: ANN401
    """Give the whole value with one change in it, for each place and each way."""
    for place, here in places(value):
        if place:
            for how, other in others(here):
                if write_canonical(other) != write_canonical(here):
                    yield place, how, changed(value, place, partial(put, new=other))
            yield place, "left out", changed(value, place, drop)
        if isinstance(here, dict):
            added = (*place, "ajout")
            yield added, "added", changed(value, added, partial(put, new="x"))


def places(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:  # noqa: ANN401
    yield place, value
    inner: Iterable[tuple[Step, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for step, each in inner:
        yield from places(each, (*place, step))


def changed(value: Any, place: Place, change: Callable[[Any, Step], object]) -> Any:  # noqa: ANN401
    whole = deepcopy(value)
    holder = whole
    for step in place[:-1]:
        holder = holder[step]
    change(holder, place[-1])
    return whole


def put(holder: Any, key: Step, new: Any) -> None:  # noqa: ANN401
    holder[key] = new


def drop(holder: Any, key: Step) -> None:  # noqa: ANN401
    del holder[key]


def others(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Give other values: some that readers take for the same."""
    if isinstance(value, bool):
        yield from (("the contrary", not value), ("a number", int(value)))
    elif isinstance(value, int):
        yield from (("another number", value + 1), ("written otherwise", float(value)))
    elif isinstance(value, str):
        yield from other_texts(value)
    elif isinstance(value, list):
        yield "the first twice", [*value[:1], *value]
        yield "in another order", value[::-1]
    if value is not None:
        yield "nothing", None
    yield "something nested", {"montant": value}


def other_texts(text: str) -> Iterator[tuple[str, str]]:
    yield "another text", f"{text}x"
    yield "an empty text", ""
    yield "a blank more", f"{text} "
    yield "the same to a reader of Unicode", normalize("NFD", text)
    yield "the same to whom case is nothing", text.swapcase()


def csv_changes(contents: Contents, name: str) -> Iterator[Changed]:
    text = contents[name].decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            for how, other in other_texts(cell):
                if other != cell:
                    copy = [[*each] for each in rows]
                    copy[number][column] = other
                    written = io.StringIO(newline="")
                    csv.writer(written, delimiter=";").writerows(copy)
                    content = written.getvalue().encode("utf-8-sig")
                    yield Changed(f"{name}, {column}", how, resealed(contents, name, content))


def bytes_changes(content: bytes) -> Iterator[tuple[str, bytes]]:
    lines = content.split(b"\n")
    for number in range(0, len(lines), max(1, len(lines) // 60)):
        other = [*lines]
        other[number] += b"x"
        yield f"line {number + 1}", b"\n".join(other)
    yield "an end more", content + b"\n"


def resealed(contents: Contents, name: str, content: bytes | None) -> Contents:
    """Put a member in the place of another, or take it away, and set the manifest right."""
    changed = {key: value for key, value in contents.items() if key != name}
    if content is not None:
        changed[name] = content
    if name == verify.MANIFEST and content is None:
        return changed
    manifest = json.loads(changed[verify.MANIFEST])
    if name != verify.MANIFEST:
        known = {each["chemin"]: each for each in manifest["fichiers"]}
        members = sorted({*changed} - {verify.MANIFEST})
        manifest["fichiers"] = [
            known.get(path, {"chemin": path})
            | {"sha256": sha256(changed[path]).hexdigest(), "taille": len(changed[path])}
            for path in members
        ]
    manifest.pop("sceau", None)
    manifest["sceau"] = sha256(write_canonical(manifest)).hexdigest()
    changed[verify.MANIFEST] = write_canonical(manifest, 1) + b"\n"
    return changed


def shown(name: str, path: Place) -> str:
    """Name a leaf as the verdict names it: ranks say nothing of which field it is."""
    return ", ".join([name, ".".join(str(step) for step in path if isinstance(step, str))])
