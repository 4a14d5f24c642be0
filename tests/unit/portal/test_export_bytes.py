"""One byte changed anywhere in an export is found, and its place is named."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.portal.export_builders import World, export, faults, unpacked

MASKS = (0x01, 0x80)
LOCAL, CENTRAL = 30, 46
_DATA_STEP = 29


@pytest.fixture
async def content() -> bytes:
    return await export(World())


@pytest.fixture
def folder(content: bytes, tmp_path: Path) -> Path:
    return unpacked(content, tmp_path / "dossier")


def test_what_was_exported_conforms_as_a_folder_and_as_a_zip(
    content: bytes, folder: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "export.zip"
    archive.write_bytes(content)

    assert faults(folder) == []
    assert faults(archive) == []


def test_one_byte_changed_in_any_member_is_found_there(folder: Path) -> None:
    members = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(members) > 10

    for path in members:
        name, whole = path.relative_to(folder).as_posix(), path.read_bytes()
        for position in positions(len(whole)):
            for mask in MASKS:
                path.write_bytes(changed(whole, position, mask))
                found = faults(folder)
                assert any(name in fault for fault in found), (name, position, mask, found)
        path.write_bytes(whole)


def positions(size: int) -> Iterator[int]:
    """Give both ends, and a spread between them."""
    yield from {0, size - 1, *range(1, size, max(1, size // 40))}


def changed(whole: bytes, position: int, mask: int) -> bytes:
    return whole[:position] + bytes((whole[position] ^ mask,)) + whole[position + 1 :]


@dataclass(frozen=True)
class Record:
    """A stretch of a zip: a header or the data of a member, or the end."""

    start: int
    end: int
    member: str
    step: int = 1


def records(content: bytes) -> Iterator[Record]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        directory = archive.start_dir
        for info in archive.infolist():
            data = info.header_offset + LOCAL + len(info.filename)
            yield Record(info.header_offset, data, info.filename)
            yield Record(data, data + info.file_size, info.filename, _DATA_STEP)
        for info in archive.infolist():
            end = directory + CENTRAL + len(info.filename)
            yield Record(directory, end, info.filename)
            directory = end
    yield Record(directory, len(content), "")


def says(fault: str, record: Record) -> bool:
    if record.member and record.member in fault:
        return True
    at = fault.partition("zip, octet ")[2].partition(" ")[0]
    return at.isdigit() and record.start <= int(at) < record.end


def test_every_header_of_the_zip_is_watched_and_the_data_too(
    content: bytes, tmp_path: Path
) -> None:
    archive = tmp_path / "export.zip"
    stretches = list(records(content))
    assert sum(each.end - each.start for each in stretches) == len(content)

    for record in stretches:
        for position in range(record.start, record.end, record.step):
            archive.write_bytes(changed(content, position, MASKS[position % 2]))
            found = faults(archive)
            assert any(says(fault, record) for fault in found), (position, record, found)


@pytest.mark.parametrize("cut", [1, 22, 300, 5000])
def test_a_zip_cut_or_lengthened_does_not_conform(content: bytes, tmp_path: Path, cut: int) -> None:
    archive = tmp_path / "export.zip"
    archive.write_bytes(content[:-cut])
    shorter = faults(archive)
    archive.write_bytes(content + bytes(cut))

    assert shorter
    assert faults(archive) == [
        f"zip, octet {len(content)} : le répertoire final a changé, ou la fin de ce qui le précède"
    ]


def test_a_member_that_comes_twice_is_noticed(content: bytes, tmp_path: Path) -> None:
    first, second, *_ = records(content)
    doubled = content[: second.end] * 2 + content[second.end :]
    archive = tmp_path / "export.zip"
    archive.write_bytes(doubled)

    assert faults(archive)[0] == (
        f"zip, octet {second.end} : {first.member!r} ne peut pas être lu, ni ce qui suit"
    )
