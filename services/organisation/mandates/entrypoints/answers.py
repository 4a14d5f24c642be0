"""What the routes of mandates answer."""

from datetime import date, datetime
from typing import Self

from pydantic import Field

from services.organisation.mandates.domain.mandates import FiledMandate
from shared.answers.answer import Answer


class MandateFileAnswer(Answer):
    """The file of a mandate."""

    sha256: str
    name: str
    size_bytes: int
    media_type: str


class MandateAnswer(Answer):
    """A mandate of a maîtrise d'ouvrage déléguée."""

    mandate_id: str
    version: int
    mandant: str = Field(description="La maîtrise d'ouvrage, qui donne le mandat.")
    delegate: str = Field(description="La maîtrise d'ouvrage déléguée, qui agit pour elle.")
    payer: str = Field(
        description="La structure dont le service financier rembourse la maîtrise d'ouvrage "
        "déléguée."
    )
    valid_from: date
    valid_until: date = Field(description="Dernier jour du mandat, à Paris, compris.")
    contracts: list[str] | None = Field(
        description="Numéros des marchés que le mandat couvre ; absent : tous."
    )
    closed_on: date | None = Field(
        description="Jour où il a été clos ; il ne permet plus rien depuis."
    )
    file: MandateFileAnswer
    recorded_at: datetime

    @classmethod
    def of(cls, filed: FiledMandate) -> Self:
        """Show a mandate."""
        mandate = filed.mandate
        return cls(
            mandate_id=mandate.id,
            version=mandate.version,
            mandant=mandate.mandant,
            delegate=mandate.delegate,
            payer=mandate.payer,
            valid_from=mandate.valid_from,
            valid_until=mandate.valid_until,
            contracts=None if mandate.contracts is None else sorted(mandate.contracts),
            closed_on=mandate.closed_on,
            file=MandateFileAnswer.model_validate(filed.file),
            recorded_at=filed.recorded_at,
        )


class MandatesAnswer(Answer):
    """A page of the mandates that a structure gives, receives or pays."""

    mandates: list[MandateAnswer]
    next: str | None = Field(description="À redonner dans `after` ; absent sur la dernière page.")
