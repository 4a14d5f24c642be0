"""The parties of a deposit, named from the file, the metadata and the dossier."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from services.deposit.domain import rules
from services.deposit.domain.file_party import Party as FileParty
from services.deposit.domain.invoice import Invoice
from services.deposit.domain.metadata import Metadata
from shared.circuit.parties import LABELS, Parties, Party
from shared.vocabulary.roles import SUPPLIER_SIDE, Role
from shared.vocabulary.rules import Violation
from shared.vocabulary.siret import has_siret_form
from shared.vocabulary.structures import IdentifierType
from shared.vocabulary.texts import quote_line
from shared.vocabulary.vat_numbers import compact_vat_number

_KNOWN_BY_VAT = f"{IdentifierType.UE_HORS_FRANCE.value}-"

NOBODY = Party("")
"""Placeholder of a party that is not named."""
NO_FALLBACK: Mapping[Role, str] = {}


@dataclass(frozen=True, slots=True)
class NamedParties:
    """The parties of a deposit, and the contradictions about them."""

    parties: Parties
    broken: tuple[Violation, ...]


def name_opening_parties(
    role: Role,
    structure: str,
    read: Invoice,
    metadata: Metadata,
    fallback: Mapping[Role, str] = NO_FALLBACK,
) -> NamedParties:
    """Name the parties of a new dossier.

    The seller of the file is the supplier that deposits it, or else the titulaire. Its buyer is the
    service financier, unless the depositor names another one; the buyer must then be the MOA. The
    depositor has its own role without naming itself. A structure of `fallback` is named last, where
    nothing else names one.
    """
    named = dict(metadata.parties)
    seller = role if role in SUPPLIER_SIDE else Role.TITULAIRE
    defaults = {
        Role.TITULAIRE: "",
        role: structure,
        seller: read.seller.siret or (structure if role is seller else fallback.get(seller, "")),
        Role.SERVICE_FINANCIER: read.buyer.siret or fallback.get(Role.SERVICE_FINANCIER, ""),
    }
    for each, default in defaults.items():
        party = named.get(each, NOBODY)
        named[each] = replace(party, structure=party.structure or default)
    return _add_service_of_file(_keep_named(named), read, metadata)


def name_next_parties(
    previous: Parties, read: Invoice, metadata: Metadata, correctable: Collection[Role]
) -> NamedParties:
    """Name the parties of a next piece: those of the dossier, whose services may change.

    `correctable` are the roles that a recycling may have corrected, which may not be known yet: a
    contradiction about one of them may only be early.
    """
    named = dict(previous.list_named())
    broken = []
    for role, party in metadata.parties.items():
        known = named.get(role, NOBODY)
        if party.structure and party.structure != known.structure:
            violation = rules.PARTY_CONTRADICTS_DOSSIER.build_violation(
                f"{role.value}.structure",
                said=party.structure,
                role=LABELS[role],
                named=known.structure or "personne",
            )
            # A recycling adds nobody.
            is_early = role in correctable and bool(known.structure)
            broken.append(replace(violation, can_be_early=is_early))
        elif known.structure and party.service:
            named[role] = replace(known, service=party.service)
    naming = _add_service_of_file(_keep_named(named), read, metadata, correctable)
    return NamedParties(naming.parties, (*broken, *naming.broken))


def _keep_named(named: Mapping[Role, Party]) -> Parties:
    """Remove the parties without a structure, except the two that every dossier needs."""
    always = (Role.TITULAIRE, Role.SERVICE_FINANCIER)
    kept = {role: party for role, party in named.items() if party.structure or role in always}
    return Parties(**{role.value: party for role, party in kept.items()})


def _add_service_of_file(
    parties: Parties, read: Invoice, metadata: Metadata, correctable: Collection[Role] = ()
) -> NamedParties:
    """Add the service that the file names, and list what the file contradicts."""
    broken = [*_compare(parties, read, correctable)]
    role = _choose_buyer_role(parties, read)
    buyer = parties.of(role)
    if buyer and read.service_code:
        stated = metadata.parties.get(role, NOBODY).service
        if stated and stated != read.service_code:
            broken.append(
                rules.CONTRADICTS_FILE.build_violation(
                    f"{role.value}.service",
                    label="le code service",
                    said=stated,
                    read=quote_line(read.service_code),
                )
            )
        party = replace(buyer, service=read.service_code)
        parties = replace(parties, **{role.value: party})
    return NamedParties(parties, tuple(broken))


def _choose_buyer_role(parties: Parties, read: Invoice) -> Role:
    is_moa = (
        parties.moa is not None
        and read.buyer.company is not None
        and _may_mean(read.buyer, parties.moa)
        and not _may_mean(read.buyer, parties.service_financier)
    )
    return Role.MOA if is_moa else Role.SERVICE_FINANCIER


def _compare(parties: Parties, read: Invoice, correctable: Collection[Role]) -> Iterator[Violation]:
    moa = parties.moa or NOBODY
    sellers = {role: party for role, party in parties.list_named() if role in SUPPLIER_SIDE}
    if not any(_may_mean(read.seller, party) for party in sellers.values()):
        role, party = list(sellers.items())[-1]
        violation = _build_contradiction(role, party, read.seller)
        yield replace(violation, can_be_early=not sellers.keys().isdisjoint(correctable))
    if not (_may_mean(read.buyer, parties.service_financier) or _may_mean(read.buyer, moa)):
        role, party = Role.SERVICE_FINANCIER, parties.service_financier
        buyers = {role, Role.MOA} if parties.moa else {role}
        violation = _build_contradiction(role, party, read.buyer)
        yield replace(violation, can_be_early=not buyers.isdisjoint(correctable))


def _may_mean(read: FileParty, party: Party) -> bool:
    """Tell whether a party of the file may be the structure of `party`.

    A SIREN, also the one in a French VAT number, is compared with SIRETs alone. The VAT number of
    another country is compared with structures that are identified by one.
    """
    structure = party.structure
    if read.siret:
        return read.siret == structure
    if has_siret_form(structure):
        return read.company is None or structure.startswith(read.company)
    if read.vat_number and structure.startswith(_KNOWN_BY_VAT):
        return compact_vat_number(structure.removeprefix(_KNOWN_BY_VAT)) == read.vat_number
    return True


def _build_contradiction(role: Role, party: Party, read: FileParty) -> Violation:
    return rules.PARTY_CONTRADICTS_FILE.build_violation(
        f"{role.value}.structure",
        said=party.structure,
        role=LABELS[role],
        read=quote_line(read.siret or read.company or read.vat_number or ""),
    )
