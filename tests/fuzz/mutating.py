"""Mutator: makes the same file of the same seed and rank."""

from collections.abc import Callable, Sequence
from random import Random

from lxml import etree

from tests.fuzz import mutate_bytes, mutate_pdf, mutate_xml
from tests.fuzz.corpus import File

Mutation = Callable[[Random, bytes], bytes]

_OF_BYTES: Sequence[Mutation] = (
    mutate_bytes.flip,
    mutate_bytes.truncate,
    mutate_bytes.duplicate,
    mutate_bytes.insert_text,
    mutate_bytes.change_number,
)
_OF_XML: Sequence[Mutation] = (
    mutate_xml.mutate_tree,
    mutate_xml.mutate_tree,
    mutate_xml.mutate_tree,
    mutate_xml.encode_again,
    mutate_xml.add_prolog,
    mutate_xml.nest,
)
_OF_PDF: Sequence[Mutation] = (
    mutate_pdf.rename,
    mutate_pdf.litter,
    mutate_pdf.break_table,
    mutate_pdf.chain_tables,
)
_UNTOUCHED, _REBUILT, _SPLICED = 0.02, 0.4, 0.06


def mutate(files: Sequence[File], seed: int, rank: int) -> File:
    """Build input number `rank`: its name states the original file and the mutations.

    2% are left unchanged: they must be read as before, after all the others.
    """
    rng = Random(f"{seed}/{rank}")
    file = rng.choice(files)
    content, done = file.content, [file.name]
    if rng.random() < _UNTOUCHED:
        return file
    if file.is_pdf and rng.random() < _REBUILT:
        content = mutate_pdf.rebuild(rng, content)
        done.append("rebuild")
    if rng.random() < _SPLICED:
        other = rng.choice(files)
        content = mutate_bytes.splice(rng, content, other.content)
        done.append(f"splice of {other.name}")
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        of_kind = _OF_PDF if file.is_pdf else _OF_XML
        mutation = rng.choice(of_kind if rng.random() < 0.7 else _OF_BYTES)
        try:
            content = mutation(rng, content)[: mutate_bytes.LONGEST]
        except (etree.LxmlError, ValueError):
            continue  # an earlier mutation left nothing that lxml can parse or write
        done.append(mutation.__name__)
    return File(f"{rank} {' + '.join(done)}", content)
