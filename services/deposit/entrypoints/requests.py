"""The metadata part of the form of a deposit: JSON beside the file."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic import model_validator as validator
from pydantic_core import PydanticCustomError

from services.deposit.application.openings import OpeningWanted
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.metadata import Follows, Metadata
from shared.circuit.parties import Party
from shared.contracts.texts import TypedText
from shared.runtime.web.problems import FAULTS_SHOWN, build_form_violation
from shared.runtime.web.request_validation import find_repeated_keys
from shared.vocabulary.amounts import parse_amount
from shared.vocabulary.codes import ModePaiement, Syntax, TypeTva
from shared.vocabulary.dates import read_iso_date
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Violation

Text = Annotated[str, TypedText(200, min_length=1)]
StructureId = Annotated[str, TypedText(100, min_length=1)]
# `judged`: a rule refuses hidden characters with its own code, together with all other faults.
JudgedText = Annotated[str, TypedText(200, min_length=1, judged=True)]
ServiceCode = Annotated[str, TypedText(100, min_length=1, judged=True)]
Lot = Annotated[str, TypedText(100, min_length=1)]
Comment = Annotated[str, TypedText(200, lines=True, judged=True)]

_SETTLED_MAX = 50
"""Limit of the dossiers that one facture de régularisation settles."""
_TEXT_LIMIT = 64 * 1024
"""Size limit of the part, in characters: it took 0.8 s to name 80,000 unknown fields."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AmountsRequest(_Closed):
    """Amounts as decimal strings; rules judge their form, as they do those of the file."""

    ht: Text | None = None
    tva: Text | None = None
    ttc: Text | None = None
    due: Text | None = None


class PartyRequest(_Closed):
    """A structure, its service, or both; in a next piece, the structure is that of the dossier."""

    structure: StructureId | None = None
    service: ServiceCode | None = None


class PartiesRequest(_Closed):
    """The parties that neither the file nor the dossier names."""

    titulaire: PartyRequest | None = None
    cotraitant: PartyRequest | None = None
    sous_traitant: PartyRequest | None = None
    moe: PartyRequest | None = None
    moa: PartyRequest | None = None
    service_financier: PartyRequest | None = None


class FollowsRequest(_Closed):
    """The piece that is followed: its id, or its depositor and number."""

    piece_id: StructureId | None = None
    depositor: StructureId | None = None
    number: Text | None = None

    @validator(mode="after")
    def _check_piece_named(self) -> Self:
        by_number = self.depositor is not None and self.number is not None
        if (self.piece_id is not None) == by_number:
            raise ValueError("piece_id, or depositor and number")
        return self


class MetadataRequest(_Closed):
    """Metadata of a deposit: fields that the file lacks; others may be repeated, not changed."""

    cadre: Text | None = None
    number: Text | None = None
    issued_on: Text | None = Field(None, description="AAAA-MM-JJ, entre 2000 et 2099")
    currency: Text | None = None
    amounts: AmountsRequest = AmountsRequest()
    type_code: Text | None = Field(
        None,
        description="Type UNTDID 1001 : 380, 381 pour un avoir, 384, 386 ou 389 ; sans précision, "
        "un simple PDF a celui de la pièce à laquelle il fait suite, ou 380 s'il ouvre un dossier",
    )
    parties: PartiesRequest = PartiesRequest()
    follows: FollowsRequest | None = None
    engagement: JudgedText | None = None
    marche: JudgedText | None = None
    type_tva: TypeTva | None = None
    mode_paiement: ModePaiement | None = None
    comment: Comment | None = None
    mandant: StructureId | None = Field(
        None,
        description="Structure pour laquelle la maîtrise d'ouvrage agit sous mandat ; dans une "
        "pièce suivante, celle du dossier",
    )
    settles: tuple[StructureId, ...] | None = Field(
        None,
        min_length=1,
        max_length=_SETTLED_MAX,
        description="Identifiants des dossiers que règle une facture de régularisation (A1)",
    )
    lot: Lot | None = Field(None, description="Lot du marché")
    opens: bool = Field(
        False, description="Ouvrir un dossier bien qu'un autre attende une telle pièce"
    )

    @field_validator("settles")
    @classmethod
    def _check_settled_once(cls, settles: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if settles and len(set(settles)) < len(settles):
            raise PydanticCustomError("listed_twice", "a dossier twice")
        return settles

    def to_domain(self) -> Metadata:
        """Convert to the domain, malformed dates and amounts included."""
        return Metadata(
            fields=self._read_fields(),
            parties={
                role: Party(party.structure or "", party.service)
                for role in Role
                if (party := getattr(self.parties, role.value))
            },
            follows=Follows(**self.follows.model_dump()) if self.follows else None,
            type_tva=self.type_tva,
            mode_paiement=self.mode_paiement,
            comment=self.comment or None,
            mandant=self.mandant,
            settles=self.settles or (),
            lot=self.lot,
            opens=self.opens,
        )

    def _read_fields(self) -> Invoice:
        malformed: dict[str, str] = {}
        amounts = self.amounts

        def read_amount(field: str, text: str | None) -> Decimal | None:
            try:
                return None if text is None else parse_amount(text)
            except ValueError:
                malformed[field] = text or ""
                return None

        return Invoice(
            syntax=Syntax.PDF,
            number=self.number,
            issued_on=_read_day(self.issued_on, malformed),
            currency=self.currency,
            ht=read_amount("ht", amounts.ht),
            tva=read_amount("tva", amounts.tva),
            ttc=read_amount("ttc", amounts.ttc),
            due=read_amount("due", amounts.due),
            type_code=self.type_code,
            cadre=self.cadre,
            engagement=self.engagement,
            marche=self.marche,
            malformed=malformed,
        )


class OpeningQuery(_Closed):
    """The marché of which an opener is prefilled."""

    moa: StructureId = Field(description="Maîtrise d'ouvrage ; sous mandat, la déléguée")
    marche: Text = Field(description="Numéro du marché")
    mandant: StructureId | None = Field(None, description="Structure qui a donné le mandat")
    lot: Lot | None = None

    def to_domain(self) -> OpeningWanted:
        """Convert to the domain."""
        return OpeningWanted(self.moa, self.marche, self.mandant, self.lot)


def read_metadata(text: str) -> MetadataRequest | tuple[Violation, ...]:
    """Parse the metadata part, or return the faults of its form, field by field."""
    if len(text) > _TEXT_LIMIT:
        return (build_form_violation(["metadata"], "string_too_long", {"max_length": _TEXT_LIMIT}),)
    if twice := find_repeated_keys(text):
        return tuple(build_form_violation([each], "repeated", {}) for each in twice)
    try:
        return MetadataRequest.model_validate_json(text)
    except ValidationError as error:
        return tuple(
            build_form_violation(
                [str(part) for part in each["loc"]] or ["metadata"],
                each["type"],
                each.get("ctx", {}),
            )
            for each in error.errors(include_url=False, include_input=False)[:FAULTS_SHOWN]
        )


def _read_day(text: str | None, malformed: dict[str, str]) -> date | None:
    if text is None:
        return None
    try:
        return read_iso_date(text)
    except ValueError:
        malformed["issued_on"] = text
        return None
