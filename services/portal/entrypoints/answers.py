"""Bodies of the HTTP answers of portal."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, PlainSerializer

from services.portal.application.fiscal_lists import NOTICES, RECEIVED_NOTICES, FiscalTotals
from services.portal.application.searches import Changes, Dashboard, Page
from services.portal.domain.counts import Count
from services.portal.domain.fiscal import Subtotal, Sum, Total
from services.portal.domain.piece import Awaited, MarkedPiece, Piece
from services.portal.entrypoints.cursor import write_cursor
from services.portal.entrypoints.requests import FiscalListQuery
from shared.answers.answer import Answer
from shared.answers.pieces import (
    ActorAnswer,
    ChangeAnswer,
    PartyAnswer,
    PieceAnswer,
    PrevailingAnswer,
)
from shared.circuit.labels import label_cadre
from shared.contracts.common_v1 import AmountsV1
from shared.vocabulary.actors import Actor
from shared.vocabulary.amounts import format_amount
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

Added = Annotated[Decimal, PlainSerializer(format_amount, return_type=str)]
"""Sum of amounts, as a decimal string, which may be longer than an amount."""


class NamedActorAnswer(ActorAnswer):
    """A structure in a role, with its name."""

    name: str | None = Field(description="Absent tant que la structure n'est pas connue.")

    @classmethod
    def show_named(cls, actor: Actor, names: Mapping[str, str]) -> Self:
        """Show an actor."""
        shown = ActorAnswer.of_actor(actor).model_dump()
        return cls(**shown, name=names.get(actor.structure))


class NamedPartyAnswer(PartyAnswer):
    """A party of a dossier, with its name."""

    name: str | None = Field(description="Absent tant que la structure n'est pas connue.")


class AwaitedAnswer(Answer):
    """Who must act on a piece."""

    actors: list[NamedActorAnswer] = Field(
        description="Le premier est celui que le circuit désigne."
    )
    since: datetime | None
    due: datetime | None = Field(description="Fin du délai ; absente quand aucun ne court.")
    held: bool = Field(description="Une règle retient la pièce, pour le moment.")

    @classmethod
    def of(cls, awaited: Awaited, names: Mapping[str, str]) -> Self:
        """Show who is awaited."""
        return cls(
            actors=[NamedActorAnswer.show_named(actor, names) for actor in awaited.actors],
            since=awaited.since,
            due=awaited.due,
            held=awaited.held,
        )


class FoundPieceAnswer(PieceAnswer):
    """A piece, as its viewer sees it."""

    depositor: NamedActorAnswer
    status_at: datetime | None
    parties: dict[Role, NamedPartyAnswer]
    awaited: AwaitedAnswer | None = Field(description="Qui doit agir sur cette pièce.")
    awaits_me: bool
    received: bool = Field(description="L'appelant a reçu la pièce, pour agir ou pour information.")
    closed: bool = Field(description="Le dossier est clos.")
    issued_on: date | None
    deposited_at: datetime | None
    currency: str | None
    amounts: AmountsV1 | None
    is_credit_note: bool = Field(description="C'est un avoir : ses montants se retranchent.")
    prevailing: PrevailingAnswer | None = Field(
        description="Ce qui prévaut dans le dossier ; absent d'un dossier dit avant ce champ."
    )
    differences: list[ChangeAnswer]
    marche: str | None
    mandant: str | None = Field(
        description="Structure pour laquelle la maîtrise d'ouvrage agit sous mandat ; absente "
        "quand elle agit pour elle-même."
    )
    settles: list[str] = Field(
        description="Les dossiers que règle une facture de régularisation (A1)."
    )

    @classmethod
    def of(cls, piece: Piece, viewer: Actor, names: Mapping[str, str]) -> Self:
        """Show a piece."""
        face = piece.select_state(viewer.role)
        return cls(
            piece_id=piece.id,
            dossier_id=piece.dossier_id,
            cadre=piece.cadre,
            cadre_label=label_cadre(piece.cadre),
            number=piece.number,
            status=face.status,
            status_label=STATUSES[face.status],
            status_at=face.status_at,
            depositor=NamedActorAnswer.show_named(piece.depositor, names),
            parties={
                role: NamedPartyAnswer(
                    structure=party.structure,
                    service=party.service,
                    name=names.get(party.structure),
                )
                for role, party in piece.parties.items()
            },
            awaited=AwaitedAnswer.of(face.awaited, names) if face.awaited else None,
            awaits_me=viewer in piece.awaits,
            received=viewer in piece.receivers,
            closed=face.closed,
            follows=piece.follows,
            issued_on=piece.issued_on,
            deposited_at=piece.deposited_at,
            currency=piece.currency,
            amounts=AmountsV1.of(piece.amounts) if piece.amounts else None,
            is_credit_note=piece.is_credit_note,
            prevailing=PrevailingAnswer.of(piece.prevailing) if piece.prevailing else None,
            differences=[ChangeAnswer.of(each) for each in piece.differences],
            engagement=piece.engagement,
            marche=piece.marche,
            mandant=piece.mandant,
            settles=list(piece.settles),
        )


class PiecesAnswer(Answer):
    """A page of a search, the latest deposit first."""

    pieces: list[FoundPieceAnswer]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")

    @classmethod
    def of(cls, page: Page, viewer: Actor) -> Self:
        """Show a page."""
        return cls(
            pieces=[FoundPieceAnswer.of(piece, viewer, page.names) for piece in page.pieces],
            next=write_cursor(page.next) if page.next else None,
        )


class MarkedPieceAnswer(FoundPieceAnswer):
    """A piece with its mark."""

    mark: int = Field(description="Sa place dans la lecture par repère ; elle change avec elle.")

    @classmethod
    def of_marked(cls, marked: MarkedPiece, viewer: Actor, names: Mapping[str, str]) -> Self:
        """Show a piece with its mark."""
        shown = FoundPieceAnswer.of(marked.piece, viewer, names)
        return cls(**dict(shown), mark=marked.mark)


class PieceChangesAnswer(Answer):
    """Pieces after a mark, in the order of marks, each in its newest state."""

    pieces: list[MarkedPieceAnswer]
    mark: int = Field(
        description="Le repère à donner à « after » la fois suivante. À ce repère ou avant lui, "
        "rien n'apparaîtra plus jamais."
    )
    has_more: bool = Field(description="S'il y en a d'autres dès maintenant.")

    @classmethod
    def of(cls, changes: Changes, viewer: Actor) -> Self:
        """Show what has changed."""
        return cls(
            pieces=[
                MarkedPieceAnswer.of_marked(each, viewer, changes.names) for each in changes.pieces
            ],
            mark=changes.mark,
            has_more=changes.has_more,
        )


class StatusCountAnswer(Answer):
    """Number of pieces with a status."""

    status: Status
    status_label: str
    pieces: int


class AwaitingAnswer(Answer):
    """Number of pieces that await the caller, and since when."""

    pieces: int
    oldest: datetime | None = Field(description="Depuis quand la première attend.")


class DashboardAnswer(Answer):
    """The pieces of the dossiers in which the caller's structure has the caller's role."""

    sent: list[StatusCountAnswer] = Field(description="Déposées par l'appelant.")
    received: list[StatusCountAnswer] = Field(
        description="Reçues par l'appelant : déposées par d'autres, et parvenues jusqu'à lui pour "
        "les valider, agir ou en être informé."
    )
    awaiting: AwaitingAnswer

    @classmethod
    def of(cls, dashboard: Dashboard) -> Self:
        """Show a dashboard."""
        return cls(
            sent=_build_counts(dashboard.sent),
            received=_build_counts(dashboard.received),
            awaiting=AwaitingAnswer.model_validate(dashboard.awaiting),
        )


def _build_counts(counts: Sequence[Count]) -> list[StatusCountAnswer]:
    return [
        StatusCountAnswer(
            status=each.status, status_label=STATUSES[each.status], pieces=each.pieces
        )
        for each in sorted(counts, key=lambda count: list(Status).index(count.status))
    ]


class SumAnswer(Answer):
    """A number of pieces and the totals of their amounts."""

    pieces: int
    ht: Added
    tva: Added
    ttc: Added
    due: Added

    @classmethod
    def of(cls, total: Sum) -> Self:
        """Show a sum."""
        amounts = total.amounts
        return cls(
            pieces=total.count, ht=amounts.ht, tva=amounts.tva, ttc=amounts.ttc, due=amounts.due
        )


class SubtotalAnswer(Answer):
    """The pieces of a currency, or of a cadre in it."""

    every: SumAnswer = Field(description="Toutes les pièces.")
    kept: SumAnswer = Field(description="Hors refus et rejets.")
    avoirs: SumAnswer = Field(description="Parmi `kept`, les avoirs, en négatif.")


class CadreTotalAnswer(SubtotalAnswer):
    """The pieces of a cadre."""

    cadre: str
    cadre_label: str


class CurrencyTotalAnswer(SubtotalAnswer):
    """The pieces of a currency."""

    currency: str
    by_cadre: list[CadreTotalAnswer]

    @classmethod
    def of(cls, total: Total) -> Self:
        """Show a total."""
        return cls(
            currency=total.currency,
            **_build_sums(total.whole),
            by_cadre=[
                CadreTotalAnswer(
                    cadre=cadre, cadre_label=label_cadre(cadre), **_build_sums(subtotal)
                )
                for cadre, subtotal in total.by_cadre
            ],
        )


def _build_sums(subtotal: Subtotal) -> dict[str, SumAnswer]:
    return {
        "every": SumAnswer.of(subtotal.every),
        "kept": SumAnswer.of(subtotal.kept),
        "avoirs": SumAnswer.of(subtotal.avoirs),
    }


class FiscalListAnswer(Answer):
    """Totals of what a structure sent in a period, and of what it received, by day of deposit."""

    structure: str
    role: Role
    deposited_from: date
    deposited_to: date
    totals: list[CurrencyTotalAnswer] = Field(
        description="De ce que l'appelant a déposé, par les montants que les pièces énoncent."
    )
    received: list[CurrencyTotalAnswer] = Field(
        description="De ce que l'appelant a reçu, par les montants qui prévalent dans le dossier ; "
        "une pièce refusée ou rejetée compte pour ceux qu'elle énonce."
    )
    notices: Sequence[str] = Field(default=NOTICES, description="À lire avant les totaux.")
    received_notices: Sequence[str] = Field(
        default=RECEIVED_NOTICES, description="À lire avant les totaux de `received`."
    )

    @classmethod
    def of(cls, viewer: Actor, question: FiscalListQuery, totals: FiscalTotals) -> Self:
        """Show the totals of a list."""
        return cls(
            structure=viewer.structure,
            role=viewer.role,
            deposited_from=question.deposited_from,
            deposited_to=question.deposited_to,
            totals=[CurrencyTotalAnswer.of(total) for total in totals.sent],
            received=[CurrencyTotalAnswer.of(total) for total in totals.received],
        )
