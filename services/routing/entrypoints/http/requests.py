"""Bodies of the HTTP requests of routing: an act on a piece."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from services.routing.domain.commands import Correction
from shared.circuit.parties import Party
from shared.circuit.statuses import TREATMENTS, Act
from shared.contracts.texts import TypedText
from shared.vocabulary.roles import Role

Identifier = Annotated[str, TypedText(100, min_length=1)]


class _ClosedRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PartyRequest(_ClosedRequest):
    """A structure and its service."""

    structure: Identifier
    service: Identifier | None = None


class CorrectionRequest(_ClosedRequest):
    """New recipients and engagement of a recycled piece; a field left out stays as it is.

    A party replaces the former one whole: without a service, it has none.
    """

    moe: PartyRequest | None = None
    moa: PartyRequest | None = None
    service_financier: PartyRequest | None = None
    engagement: Annotated[str, TypedText(50, min_length=1)] | None = None

    def to_domain(self) -> Correction:
        """Convert to the domain."""
        named = {role: getattr(self, role.value, None) for role in Role}
        parties = {
            role: Party(party.structure, party.service) for role, party in named.items() if party
        }
        return Correction(parties, self.engagement)


def _check_treatment(act: Act) -> Act:
    if act not in TREATMENTS:
        expected = ", ".join(sorted(TREATMENTS))
        raise PydanticCustomError("enum", "not a treatment", {"expected": expected})
    return act


class TreatmentRequest(_ClosedRequest):
    """An act on a piece, with its motive and its comment."""

    act: Annotated[Act, AfterValidator(_check_treatment)]
    motive: Annotated[str, TypedText(100)] | None = None
    comment: Annotated[str, TypedText(10_000, lines=True)] | None = None
    correction: CorrectionRequest | None = None
    """What the act `recycler` corrects; no other act has one."""

    @model_validator(mode="after")
    def _check_correction(self) -> Self:
        if self.correction and self.act is not Act.RECYCLER:
            raise PydanticCustomError("extra_forbidden", "only a recycling corrects")
        return self
