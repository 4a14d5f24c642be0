"""Query parameters of the HTTP requests of portal: a search, a fiscal list."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.portal.domain import rules
from services.portal.domain.criteria import Criteria, Range, judge_ranges
from shared.circuit.applications import ListedApplication
from shared.circuit.cadres import judge_asked
from shared.circuit.parties import Party
from shared.contracts.fields import IsoDate, Montant
from shared.contracts.texts import TypedText
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.statuses import Status

PAGE, PAGE_LIMIT = 50, 200
CHANGES, CHANGES_LIMIT = 100, 500
_MARK_LIMIT = 2**53
_ALTERNATIVES = 60
Text = Annotated[str, TypedText(100, min_length=1)]


class ClosedQuery(BaseModel):
    """Base model of queries; an unknown parameter is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ChangesQuery(ClosedQuery):
    """Query of the pieces that have changed since a mark."""

    after: int = Field(
        default=0,
        ge=0,
        lt=_MARK_LIMIT,
        description="Le « mark » de la lecture précédente ; 0 pour tout lire.",
    )
    limit: int = Field(default=CHANGES, ge=1, le=CHANGES_LIMIT)


class SearchQuery(ClosedQuery):
    """Query of a search; a piece must meet all of its criteria."""

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
    received: bool = Field(
        default=False,
        description="Uniquement les pièces que l'appelant a reçues, comme `received` du tableau "
        "de bord.",
    )
    closed: bool | None = Field(default=None, description="Le dossier est clos.")
    application: ListedApplication | None = Field(
        default=None,
        description="Uniquement ce que l'appelant trouve dans cette application : la facture de "
        "régularisation (A1) est dans les factures émises de qui l'a déposée et dans les factures "
        "reçues de qui la paie.",
    )
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
            received=self.received,
            closed=self.closed,
            application=self.application,
        )

    def judge(self) -> Iterator[Violation]:
        """List the rules that the query breaks."""
        yield from judge_ranges(self.to_criteria())
        for cadre in dict.fromkeys(self.cadre):
            yield from judge_asked(cadre)
        for role in Role:
            field = f"{role.value}_service"
            if getattr(self, field) is not None and getattr(self, role.value) is None:
                yield rules.SERVICE_ALONE.build_violation(field, role=role.value)


class FiscalListQuery(ClosedQuery):
    """Query of a fiscal list: its period and its format."""

    deposited_from: IsoDate = Field(description="Premier jour du dépôt, à Paris, inclus.")
    deposited_to: IsoDate = Field(description="Dernier jour du dépôt, à Paris, inclus.")
    format: Literal["json", "csv", "xlsx"] = Field(
        default="json", description="json : les totaux ; csv, xlsx : les pièces et les totaux."
    )
