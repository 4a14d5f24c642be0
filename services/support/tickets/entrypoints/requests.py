"""Request bodies and search queries of tickets."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, Field

from services.support.access.domain.parties import Recipient
from services.support.access.entrypoints.requests import ClosedRequest, Line, Text
from services.support.desks.domain.catalogue import Catalogue
from services.support.desks.domain.rules import SUB_CATEGORY_UNKNOWN
from services.support.tickets.application.ports import Search
from services.support.tickets.domain.tickets import Content
from shared.contracts.texts import TypedText
from shared.vocabulary.rules import Violation
from shared.vocabulary.tickets import Desk, Priority, TicketStatus


class RecipientRequest(ClosedRequest):
    """The structure whose business desk is asked."""

    structure: Line
    service: Line | None = None

    def to_domain(self) -> Recipient | None:
        """Convert the body to a recipient."""
        return build_recipient(self.structure, self.service)


class DraftRequest(ClosedRequest):
    """Content of a draft; it may be incomplete until it is submitted."""

    sub_category: Line | None = None
    title: Line = ""
    description: Text = Field(default="", description="Du texte : un balisage y reste du texte.")
    recipient: RecipientRequest | None = Field(
        default=None, description="Pour le bureau métier : la structure qui traite la facture."
    )
    service: Line | None = Field(default=None, description="Code service de l'auteur.")
    dossier: Line | None = None
    piece: Line | None = Field(default=None, description="Numéro de la pièce concernée.")

    def to_domain(self) -> Content:
        """Convert the body to the content of a ticket."""
        return build_content(
            sub_category=self.sub_category,
            title=self.title,
            description=self.description,
            recipient=self.recipient.to_domain() if self.recipient else None,
            dossier=self.dossier,
            piece=self.piece,
        )


_SHOWN = 40
_Filter = Annotated[str, TypedText(100)] | None


class SearchQuery(BaseModel):
    """Filters and page of a list of tickets."""

    query: Annotated[str, TypedText(200, searched=True), Field(description="Numéro ou mots.")] = ""
    status: TicketStatus | None = None
    sub_category: _Filter = None
    dossier: _Filter = None
    piece: _Filter = None
    after: Annotated[str, TypedText(200)] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    def judge(self, catalogue: Catalogue) -> Iterator[Violation]:
        """List the rules that the query breaks: its sub-category must exist."""
        if self.sub_category and self.sub_category not in catalogue.by_code:
            shown = self.sub_category[:_SHOWN]
            yield SUB_CATEGORY_UNKNOWN.build_violation("sub_category", value=shown)

    def to_domain(self) -> Search:
        """Convert the query to a search."""
        return Search(**self.model_dump())


class DeskSearchQuery(SearchQuery):
    """Filters and page of the queue of a desk."""

    priority: Priority | None = None
    assignee: _Filter = None


class TextRequest(ClosedRequest):
    """Text that reopens a ticket."""

    text: Text


class RatingRequest(ClosedRequest):
    """Rating of a ticket by its issuer."""

    satisfaction: int = Field(description="De 1 à 5.")
    comment: Text = ""


class AssignmentRequest(ClosedRequest):
    """Assignment of a ticket to an agent."""

    assignee: Line | None = Field(default=None, description="Soi-même, si absent.")
    instead_of: Line | None = Field(
        default=None, description="Qui l'a, pour le reprendre à quelqu'un d'autre."
    )


class PriorityRequest(ClosedRequest):
    """Priority of a ticket."""

    priority: Priority


class TransferRequest(ClosedRequest):
    """Transfer of a ticket or a chat to another desk."""

    desk: Desk
    recipient: RecipientRequest | None = None
    reason: Text

    def to_recipient(self) -> Recipient | None:
        """Convert the recipient, when the desk is of a structure."""
        if self.recipient is None or not self.desk.is_of_a_structure:
            return None
        return self.recipient.to_domain()


def build_recipient(structure: str | None, service: str | None) -> Recipient | None:
    """Build a recipient; None without a structure."""
    return Recipient(structure, service or None) if structure else None


def build_content(
    *,
    sub_category: str | None,
    title: str,
    description: str,
    recipient: Recipient | None,
    dossier: str | None,
    piece: str | None,
) -> Content:
    """Build the content of a ticket; empty fields become None."""
    return Content(
        sub_category=sub_category or None,
        title=title,
        description=description,
        recipient=recipient,
        dossier=dossier or None,
        piece=piece or None,
    )
