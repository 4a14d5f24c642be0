"""Bodies of the HTTP requests and answers of portal."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from services.portal.application.fiscal_lists import NOTICES
from services.portal.application.searches import Dashboard, Page
from services.portal.domain import rules
from services.portal.domain.criteria import Criteria, Range, judge_ranges
from services.portal.domain.fiscal import Subtotal, Sum, Total, Totals
from services.portal.domain.piece import Awaited, Piece
from services.portal.entrypoints.cursor import write_cursor
from shared.answers.pieces import (
    ActorAnswer,
    ChangeAnswer,
    PartyAnswer,
    PieceAnswer,
    PrevailingAnswer,
)
from shared.circuit.labels import label_cadre
from shared.circuit.parties import Party
from shared.contracts.common_v1 import AmountsV1
from shared.contracts.fields import IsoDate, Montant
from shared.contracts.texts import TypedText
from shared.vocabulary.actors import Actor
from shared.vocabulary.labels import STATUSES
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

PAGE, PAGE_LIMIT = 50, 200
_ALTERNATIVES = 60
Text = Annotated[str, TypedText(100, min_length=1)]
Added = Annotated[Decimal, PlainSerializer(lambda sum_: f"{sum_:.2f}", return_type=str)]
"""A sum of amounts, as a decimal string: it may be longer than any of them."""


class Question(BaseModel):
    """What a request asks; a criterion that does not exist is refused, not overlooked."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class SearchQuestion(Question):
    """The criteria of a search, all of which a piece must fulfil."""

    number: Text | None = Field(default=None, description="Numéro exact ; la casse est ignorée.")
    number_prefix: Text | None = Field(default=None, description="Début du numéro.")
    issued_from: IsoDate | None = Field(default=None, description="Date de la pièce, incluse.")
    issued_to: IsoDate | None = Field(default=None, description="Date de la pièce, incluse.")
    deposited_from: IsoDate | None = Field(
        default=None, description="Jour du dépôt, à Paris, inclus."
    )
    deposited_to: IsoDate | None = Field(
        default=None, description="Jour du dépôt, à Paris, inclus."
    )
    ht_from: Montant | None = None
    ht_to: Montant | None = None
    ttc_from: Montant | None = None
    ttc_to: Montant | None = None
    due_from: Montant | None = Field(default=None, description="Net à payer.")
    due_to: Montant | None = Field(default=None, description="Net à payer.")
    currency: Text | None = None
    status: list[Status] = Field(
        default=[], max_length=_ALTERNATIVES, description="L'un de ces statuts."
    )
    cadre: list[Text] = Field(
        default=[], max_length=_ALTERNATIVES, description="L'un de ces cadres."
    )
    dossier: Text | None = Field(default=None, description="Identifiant du dossier.")
    marche: Text | None = None
    engagement: Text | None = None
    titulaire: Text | None = Field(default=None, description="SIRET, ou type-identifiant.")
    titulaire_service: Text | None = None
    cotraitant: Text | None = None
    cotraitant_service: Text | None = None
    sous_traitant: Text | None = None
    sous_traitant_service: Text | None = None
    moe: Text | None = None
    moe_service: Text | None = None
    moa: Text | None = None
    moa_service: Text | None = None
    service_financier: Text | None = None
    service_financier_service: Text | None = None
    depositor: Role | None = Field(default=None, description="Rôle de qui a déposé la pièce.")
    awaits_me: bool = Field(
        default=False,
        description="Uniquement les pièces sans pièce suivante, qui attendent l'appelant.",
    )
    closed: bool | None = Field(default=None, description="Le dossier est clos.")
    after: Annotated[str, TypedText(400)] | None = Field(
        default=None, description="« next » de la page précédente."
    )
    limit: int = Field(default=PAGE, ge=1, le=PAGE_LIMIT)

    def to_criteria(self) -> Criteria:
        """Convert to the domain."""
        named = ((role, getattr(self, role.value)) for role in Role)
        return Criteria(
            number=self.number,
            number_prefix=self.number_prefix,
            issued=Range(self.issued_from, self.issued_to),
            deposited=Range(self.deposited_from, self.deposited_to),
            ht=Range(self.ht_from, self.ht_to),
            ttc=Range(self.ttc_from, self.ttc_to),
            due=Range(self.due_from, self.due_to),
            currency=self.currency,
            statuses=frozenset(self.status),
            cadres=frozenset(self.cadre),
            dossier=self.dossier,
            marche=self.marche,
            engagement=self.engagement,
            parties={
                role: Party(structure, getattr(self, f"{role.value}_service"))
                for role, structure in named
                if structure is not None
            },
            depositor=self.depositor,
            awaits_me=self.awaits_me,
            closed=self.closed,
        )

    def judge(self) -> Iterator[Violation]:
        """Find what cannot be asked."""
        yield from judge_ranges(self.to_criteria())
        for role in Role:
            field = f"{role.value}_service"
            if getattr(self, field) is not None and getattr(self, role.value) is None:
                yield rules.SERVICE_ALONE.broken(field, role=role.value)


class FiscalQuestion(Question):
    """The period of a fiscal list."""

    deposited_from: IsoDate = Field(description="Premier jour du dépôt, à Paris, inclus.")
    deposited_to: IsoDate = Field(description="Dernier jour du dépôt, à Paris, inclus.")
    format: Literal["json", "csv", "xlsx"] = Field(
        default="json", description="json : les totaux ; csv, xlsx : les pièces et les totaux."
    )


class Body(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(from_attributes=True)


class NamedActorBody(ActorAnswer):
    """A structure in a role, with its name."""

    name: str | None = Field(description="Absent tant que la structure n'est pas connue.")

    @classmethod
    def named(cls, actor: Actor, names: Mapping[str, str]) -> Self:
        """Show an actor."""
        shown = ActorAnswer.of_actor(actor).model_dump()
        return cls(**shown, name=names.get(actor.structure))


class NamedPartyBody(PartyAnswer):
    """A party of a dossier, with its name."""

    name: str | None = Field(description="Absent tant que la structure n'est pas connue.")


class AwaitedBody(Body):
    """Who must act on a piece."""

    actors: list[NamedActorBody] = Field(description="Le premier est celui que le circuit désigne.")
    since: datetime | None
    due: datetime | None = Field(description="Fin du délai ; absente quand aucun ne court.")
    held: bool = Field(description="Une règle retient la pièce, pour le moment.")

    @classmethod
    def of(cls, awaited: Awaited, names: Mapping[str, str]) -> Self:
        """Show who is awaited."""
        return cls(
            actors=[NamedActorBody.named(actor, names) for actor in awaited.actors],
            since=awaited.since,
            due=awaited.due,
            held=awaited.held,
        )


class PieceBody(PieceAnswer):
    """A piece, as its viewer sees it."""

    depositor: NamedActorBody
    status_at: datetime | None
    parties: dict[Role, NamedPartyBody]
    awaited: AwaitedBody | None = Field(description="Qui doit agir sur cette pièce.")
    awaits_me: bool
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

    @classmethod
    def of(cls, piece: Piece, viewer: Actor, names: Mapping[str, str]) -> Self:
        """Show a piece."""
        face = piece.state_for(viewer.role)
        return cls(
            piece_id=piece.id,
            dossier_id=piece.dossier_id,
            cadre=piece.cadre,
            cadre_label=label_cadre(piece.cadre),
            number=piece.number,
            status=face.status,
            status_label=STATUSES[face.status],
            status_at=face.status_at,
            depositor=NamedActorBody.named(piece.depositor, names),
            parties={
                role: NamedPartyBody(
                    structure=party.structure,
                    service=party.service,
                    name=names.get(party.structure),
                )
                for role, party in piece.parties.items()
            },
            awaited=AwaitedBody.of(face.awaited, names) if face.awaited else None,
            awaits_me=viewer in piece.awaits,
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
        )


class PageBody(Body):
    """A page of a search, the latest deposit first."""

    pieces: list[PieceBody]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")

    @classmethod
    def of(cls, page: Page, viewer: Actor) -> Self:
        """Show a page."""
        return cls(
            pieces=[PieceBody.of(piece, viewer, page.names) for piece in page.pieces],
            next=write_cursor(page.next) if page.next else None,
        )


class CountBody(Body):
    """How many pieces have a status."""

    status: Status
    status_label: str
    pieces: int


class AwaitingBody(Body):
    """What awaits the caller."""

    pieces: int
    oldest: datetime | None = Field(description="Depuis quand la première attend.")


class DashboardBody(Body):
    """The pieces of the dossiers in which the caller's structure has the caller's role."""

    sent: list[CountBody] = Field(description="Déposées par l'appelant.")
    received: list[CountBody] = Field(description="Déposées par les autres parties.")
    awaiting: AwaitingBody

    @classmethod
    def of(cls, dashboard: Dashboard) -> Self:
        """Show a dashboard."""
        return cls(
            sent=_build_counts(dashboard, is_sent=True),
            received=_build_counts(dashboard, is_sent=False),
            awaiting=AwaitingBody.model_validate(dashboard.awaiting),
        )


def _build_counts(dashboard: Dashboard, *, is_sent: bool) -> list[CountBody]:
    counts = sorted(
        (count for count in dashboard.counts if count.is_sent is is_sent),
        key=lambda count: list(Status).index(count.status),
    )
    return [
        CountBody(status=each.status, status_label=STATUSES[each.status], pieces=each.pieces)
        for each in counts
    ]


class SumBody(Body):
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


class SubtotalBody(Body):
    """The pieces of a currency, or of a cadre in it."""

    every: SumBody = Field(description="Toutes les pièces.")
    kept: SumBody = Field(description="Hors refus et rejets.")
    avoirs: SumBody = Field(description="Parmi `kept`, les avoirs, en négatif.")


class CadreTotalBody(SubtotalBody):
    """The pieces of a cadre."""

    cadre: str
    cadre_label: str


class TotalBody(SubtotalBody):
    """The pieces of a currency."""

    currency: str
    by_cadre: list[CadreTotalBody]

    @classmethod
    def of(cls, total: Total) -> Self:
        """Show a total."""
        return cls(
            currency=total.currency,
            **_build_sums(total.whole),
            by_cadre=[
                CadreTotalBody(cadre=cadre, cadre_label=label_cadre(cadre), **_build_sums(subtotal))
                for cadre, subtotal in total.by_cadre
            ],
        )


def _build_sums(subtotal: Subtotal) -> dict[str, SumBody]:
    return {
        "every": SumBody.of(subtotal.every),
        "kept": SumBody.of(subtotal.kept),
        "avoirs": SumBody.of(subtotal.avoirs),
    }


class FiscalBody(Body):
    """What a structure sent in a period, in total."""

    structure: str
    role: Role
    deposited_from: date
    deposited_to: date
    totals: list[TotalBody]
    notices: Sequence[str] = Field(default=NOTICES, description="À lire avant les totaux.")

    @classmethod
    def of(cls, viewer: Actor, question: FiscalQuestion, totals: Totals) -> Self:
        """Show the totals of a list."""
        return cls(
            structure=viewer.structure,
            role=viewer.role,
            deposited_from=question.deposited_from,
            deposited_to=question.deposited_to,
            totals=[TotalBody.of(total) for total in totals],
        )
