"""Mandates of a maîtrise d'ouvrage déléguée: whether one allows an act on a day, or why not.

A mandate is given by a mandant, a MOA, to a delegate that acts as MOA in its place
(webinar for the MOA, 17:51 to 22:29). Days are days in Paris.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from shared.circuit import rules
from shared.circuit.parties import Parties
from shared.vocabulary.piece_numbers import build_number_key
from shared.vocabulary.roles import Role
from shared.vocabulary.rules import Rule, Violation

FIELD = "mandant"
"""Field of a request that names the mandant: refusals about a mandate are on it."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """A mandate in one version, between a mandant and its delegate."""

    id: str
    version: int
    mandant: str
    delegate: str
    payer: str
    """Structure whose service financier pays the delegate back: the mandant, or its payer."""
    valid_from: date
    valid_until: date
    """First and last day of the mandate, both included."""
    contracts: frozenset[str] | None = None
    """Numbers of the marchés that it covers; None covers all those of the mandant."""
    closed_on: date | None = None
    """Day on which it was closed before its end: from then on it allows nothing."""

    def covers(self, marche: str | None) -> bool:
        """Tell whether the mandate covers a marché.

        A piece without the number of its marché is covered only by a mandate for all of them.
        """
        return self.keys is None or (marche is not None and build_number_key(marche) in self.keys)

    @property
    def keys(self) -> frozenset[str] | None:
        """Keys of the marchés that it covers, by which numbers are compared; None covers all."""
        return None if self.contracts is None else frozenset(map(build_number_key, self.contracts))

    def has_common_contract(self, other: "Mandate") -> bool:
        """Tell whether a marché is covered by both."""
        if self.keys is None or other.keys is None:
            return True
        return not self.keys.isdisjoint(other.keys)

    def allows(self, marche: str | None, day: date) -> bool:
        """Tell whether the mandate allows the delegate to act on a marché on a day."""
        return not any(refuses(self, marche, day) for refuses, *_ in _REASONS)


def needs_mandate(mandant: str | None, parties: Parties) -> bool:
    """Tell whether the MOA of a dossier acts under a mandate: for a mandant that is another."""
    return mandant is not None and parties.moa is not None and parties.moa.structure != mandant


def judge_mandate(
    mandates: Iterable[Mandate], mandant: str, delegate: str, marche: str | None, day: date
) -> Mandate | Violation:
    """Find the mandate by which a delegate may act for a mandant on a day, or why none does.

    Args:
        mandates: mandates of the mandant, of the delegate or of both; others are left out.
        mandant: structure for which the delegate acts.
        delegate: structure named as MOA.
        marche: number of the marché, when one is stated.
        day: day of the act, in Paris.

    Returns the mandate. Without one that allows the act, the violation about the mandate that comes
    nearest: one of the right scope before another, then the one that ends last.
    """
    found = [each for each in mandates if (each.mandant, each.delegate) == (mandant, delegate)]
    allowing = [each for each in found if each.allows(marche, day)]
    if allowing:
        return max(allowing, key=lambda each: each.valid_until)
    if not found:
        return rules.MANDATE_UNKNOWN.build_violation(FIELD, mandant=mandant, delegate=delegate)
    nearest = max(
        found, key=lambda each: (each.covers(marche), each.closed_on is None, each.valid_until)
    )
    return _explain(nearest, marche, day)


def find_moa_mandate(
    parties: Parties,
    mandant: str | None,
    marche: str | None,
    mandates: Iterable[Mandate],
    day: date,
) -> Mandate | Violation | None:
    """Find the mandate by which the MOA of a dossier acts on a day, or why none allows it.

    None for a MOA that acts for itself: it needs no mandate.
    """
    if mandant is None or parties.moa is None or parties.moa.structure == mandant:
        return None
    return judge_mandate(mandates, mandant, parties.moa.structure, marche, day)


def judge_delegate_pays(mandant: str | None, parties: Parties) -> Violation | None:
    """Check that a delegate pays by its own service financier."""
    payer = parties.service_financier.structure
    if parties.moa is None or not needs_mandate(mandant, parties):
        return None
    if parties.moa.structure == payer:
        return None
    return rules.DELEGATE_PAYS.build_violation(
        f"{Role.SERVICE_FINANCIER.value}.structure",
        delegate=parties.moa.structure,
        service_financier=payer,
    )


_Refuses = Callable[[Mandate, str | None, date], bool]
_REASONS: tuple[tuple[_Refuses, Rule, Callable[[Mandate], date | None]], ...] = (
    (
        lambda mandate, marche, _: not mandate.covers(marche),
        rules.MANDATE_OUT_OF_SCOPE,
        lambda _: None,
    ),
    (
        lambda mandate, _, __: mandate.closed_on is not None,
        rules.MANDATE_CLOSED,
        lambda mandate: mandate.closed_on,
    ),
    (
        lambda mandate, _, day: day < mandate.valid_from,
        rules.MANDATE_NOT_BEGUN,
        lambda mandate: mandate.valid_from,
    ),
    (
        lambda mandate, _, day: day > mandate.valid_until,
        rules.MANDATE_ENDED,
        lambda mandate: mandate.valid_until,
    ),
)
"""Reasons why a mandate refuses an act, in the order in which they are told: whether it applies,
its rule, and the day that its sentence names."""


def _explain(mandate: Mandate, marche: str | None, day: date) -> Violation:
    rule, named = next(
        (rule, name) for refuses, rule, name in _REASONS if refuses(mandate, marche, day)
    )
    told = named(mandate)
    return rule.build_violation(
        FIELD,
        mandant=mandate.mandant,
        delegate=mandate.delegate,
        day=told.strftime("%d/%m/%Y") if told else "",
        marche=f"le marché {marche}" if marche else "une pièce sans numéro de marché",
    )
