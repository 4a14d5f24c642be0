"""Bodies of the routes of mandates."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic import model_validator as validator

from services.organisation.mandates.application.mandates import Terms
from shared.circuit.mandates import Mandate
from shared.contracts.fields import IsoDate
from shared.contracts.texts import TypedText

_CONTRACTS_READ = 1000
"""Limit of a list of marchés that is read; a rule refuses a shorter one."""
ContractNumber = Annotated[str, TypedText(100)]
ContractNumbers = Annotated[list[ContractNumber], Field(max_length=_CONTRACTS_READ)]


class MandateChangeRequest(BaseModel):
    """Other days or another scope of a mandate; what is absent stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: IsoDate | None = Field(default=None, description="Premier jour, à Paris.")
    valid_until: IsoDate | None = Field(default=None, description="Dernier jour, à Paris, compris.")
    contracts: ContractNumbers | None = Field(
        default=None,
        description="Numéros des marchés que le mandat couvre, la liste entière ; `null` : tous.",
    )

    @validator(mode="after")
    def _check_dates(self) -> Self:
        if any(getattr(self, each, 0) is None for each in self.model_fields_set - {"contracts"}):
            raise ValueError("a mandate has both days")
        return self

    def read_terms(self, mandate: Mandate) -> Terms:
        """Read the terms of a mandate after this change."""
        before = None if mandate.contracts is None else sorted(mandate.contracts)
        return Terms(
            valid_from=self.valid_from or mandate.valid_from,
            valid_until=self.valid_until or mandate.valid_until,
            contracts=self.contracts if "contracts" in self.model_fields_set else before,
        )
