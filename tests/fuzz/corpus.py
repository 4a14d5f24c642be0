"""Corpus of files to mutate: generated e-invoices, PDFs of other makers, real samples."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from deploy.local import einvoices
from tests.kit import hostile_pdfs
from tests.kit.einvoices import SampleSettings, an_einvoice


@dataclass(frozen=True, slots=True)
class File:
    """File of the corpus, or a mutated one."""

    name: str
    content: bytes

    @property
    def is_pdf(self) -> bool:
        """Whether the file is mutated as a PDF; else it is mutated as XML."""
        return b"%PDF-" in self.content[:1024]


def build_corpus() -> tuple[File, ...]:
    """Build the corpus, in the same order at each run."""
    folder = SampleSettings().folder
    samples = sorted(folder.glob("*.xml")) + sorted(folder.glob("*.pdf"))
    return (*_generate(), *(File(path.name, path.read_bytes()) for path in samples))


def _generate() -> list[File]:
    made = {
        "plain": an_einvoice(),
        "avoir": an_einvoice(is_credit_note=True, preceding_number="SIT-1", ht=Decimal("-12.34")),
        "prepaid": an_einvoice(prepaid=Decimal("3000.00"), issued_on=date(2025, 2, 28)),
        "bare": an_einvoice(engagement=None, marche=None, service_code=None, rate=Decimal(0)),
    }
    xml = [
        File(f"{write.__name__}-{name}.xml", write(invoice))
        for name, invoice in made.items()
        for write in (einvoices.write_ubl, einvoices.write_cii)
    ]
    pdfs = [
        File(f"{write.__name__}-{name}.pdf", write(invoice))
        for name, invoice in made.items()
        for write in (einvoices.write_factur_x, einvoices.write_plain_pdf)
    ]
    cii, factur_x = einvoices.write_cii(made["plain"]), einvoices.write_factur_x(made["plain"])
    several = {"zugferd-invoice.xml": cii, "plan.bin": bytes(range(256))}
    stream = hostile_pdfs.deflate_catalog(1_000_000)
    others = {
        "attachments.pdf": hostile_pdfs.write_with_attachments(several),
        "linearized.pdf": hostile_pdfs.linearize(factur_x),
        "object-stream.pdf": hostile_pdfs.write_with_object_stream("/FlateDecode", stream),
        "by-hand.pdf": hostile_pdfs.write_with_objects(
            "/Names<</EmbeddedFiles 4 0 R>>", "<</Names[]>>"
        ),
        "loop.pdf": hostile_pdfs.write_with_page_loop(),
    }
    return [*xml, *pdfs, *(File(name, content) for name, content in others.items())]
