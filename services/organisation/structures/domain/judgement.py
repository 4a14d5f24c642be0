"""Judgement of a declaration: every rule that it breaks, by field."""

import json
import re
from collections import Counter
from collections.abc import Iterator

from services.organisation.structures.domain import rules
from services.organisation.structures.domain.structure import (
    FRANCE,
    Address,
    Declaration,
    Service,
)
from shared.vocabulary.emails import is_email
from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.siret import is_siret
from shared.vocabulary.structures import IdentifierType, MoaParameter, StructureKind
from shared.vocabulary.texts import has_visible_letter

_LETTER = "A-Za-zÀ-ÖØ-öø-ÿŒœ"
_SERVICE_CODE = re.compile(rf"[0-9{_LETTER}_-]([0-9{_LETTER} _-]{{0,98}}[0-9{_LETTER}_-])?")
_TEXT = rf"[0-9{_LETTER}.&'_-]([0-9{_LETTER} .&'_-]*[0-9{_LETTER}.&'_-])?"
_COUNTRY_AND_NAME = (
    re.compile(rf"[A-Z]{{2}}(?=.{{1,16}}$){_TEXT}"),
    "le code du pays, puis les 16 premiers caractères du nom",
)
_PLAIN = (
    re.compile(rf"(?=.{{1,80}}$){_TEXT}"),
    "80 caractères au plus : lettres, chiffres, espaces, tirets",
)
_SHAPES = {
    IdentifierType.UE_HORS_FRANCE: (
        re.compile(r"[A-Z]{2}[0-9A-Z+*]{2,13}"),
        "le numéro de TVA intracommunautaire",
    ),
    IdentifierType.HORS_UE: _COUNTRY_AND_NAME,
    IdentifierType.AUTRE: _COUNTRY_AND_NAME,
    IdentifierType.RIDET: _PLAIN,
    IdentifierType.TAHITI: _PLAIN,
    IdentifierType.PARTICULIER: _PLAIN,
}
"""Form of each type of identifier; no source states that of the last three: it is ours, and
wide."""

_PUBLIC_PARAMETERS = (
    "code_service_obligatoire",
    "numero_engagement_obligatoire",
    "engagement_ou_service",
    "mise_en_paiement_non_remontee",
)

_SERVICES_MAX_BYTES = 900_000
"""Size limit of the services in the event of a structure: a record holds 1 MB."""
_SERVICE_FRAME_BYTES = len('{"code":,"name":,"active":false,"engagement_obligatoire":false},')
_VALIDITY_FRAME_BYTES = len(',"valid_from":"2026-01-01"'), len(',"valid_until":"2026-01-01"')
_COUNTRY = re.compile(r"[A-Z]{2}")
_FRENCH_POSTAL_CODE = re.compile(r"[0-9]{5}")
_SHOWN = 60


def judge(declared: Declaration, structure: str) -> tuple[Violation, ...]:
    """List the rules that a declaration of `structure` breaks."""
    broken = [*_judge_identifier(declared, structure)]
    if not has_visible_letter(declared.name):
        broken.append(rules.NAME_EMPTY.build_violation("name"))
    if declared.address is not None:
        broken += _judge_address(declared.address)
    if declared.email is not None and not is_email(declared.email):
        broken.append(rules.EMAIL_SHAPE.build_violation("email", email=declared.email[:_SHOWN]))
    if declared.kind is StructureKind.PRIVEE:
        broken += _judge_private(declared)
    return (*broken, *_judge_services(declared))


def _judge_identifier(declared: Declaration, structure: str) -> Iterator[Violation]:
    identifier, kind = declared.identifier, declared.identifier_type
    if kind is IdentifierType.SIRET:
        if not is_siret(identifier):
            yield rules.SIRET_WRONG.build_violation("identifier", identifier=identifier)
    else:
        pattern, shape = _SHAPES[kind]
        if not pattern.fullmatch(identifier):
            rule = rules.IDENTIFIER_SHAPE
            yield rule.build_violation(
                "identifier", identifier=identifier, type=kind.value, shape=shape
            )
    if declared.structure != structure:
        rule = rules.IDENTIFIER_OTHER
        yield rule.build_violation("identifier", identified=declared.structure, structure=structure)


def _judge_address(address: Address) -> Iterator[Violation]:
    if not has_visible_letter(address.city):
        yield rules.ADDRESS_WITHOUT_CITY.build_violation("address.city")
    if not _COUNTRY.fullmatch(address.country):
        rule = rules.COUNTRY_SHAPE
        yield rule.build_violation("address.country", country=address.country)
    is_french = address.country == FRANCE and address.postal_code
    if is_french and not _FRENCH_POSTAL_CODE.fullmatch(address.postal_code):
        rule = rules.POSTAL_CODE_SHAPE
        yield rule.build_violation("address.postal_code", postal_code=address.postal_code)


def _judge_private(declared: Declaration) -> Iterator[Violation]:
    if declared.parameters.moa is not MoaParameter.SANS:
        yield rules.MOA_NOT_PUBLIC.build_violation("parameters.moa")
    for name in _PUBLIC_PARAMETERS:
        if getattr(declared.parameters, name):
            yield rules.PARAMETER_NOT_PUBLIC.build_violation(f"parameters.{name}")
    for rank, service in enumerate(declared.services):
        if service.engagement_obligatoire:
            rule = rules.PARAMETER_NOT_PUBLIC
            yield rule.build_violation(f"services.{rank}.engagement_obligatoire")


def _judge_services(declared: Declaration) -> Iterator[Violation]:
    count = Counter(service.code for service in declared.services)
    weight = sum(map(_weigh, declared.services))
    if weight > _SERVICES_MAX_BYTES:
        number, limit = len(declared.services), _SERVICES_MAX_BYTES
        yield rules.SERVICES_TOO_HEAVY.build_violation(
            "services", count=number, size=weight, limit=limit
        )
    for rank, service in enumerate(declared.services):
        if rule := _judge_code(service.code, count):
            yield rule.build_violation(f"services.{rank}.code", code=service.code)
        if not has_visible_letter(service.name):
            yield rules.NAME_EMPTY.build_violation(f"services.{rank}.name")
        start, until = service.valid_from, service.valid_until
        if start and until and until < start:
            yield rules.SERVICE_VALIDITY.build_violation(
                f"services.{rank}.valid_until", code=service.code, start=start, until=until
            )


def _weigh(service: Service) -> int:
    """Measure the size of a service in an event, in bytes."""
    texts = (json.dumps(text, ensure_ascii=False) for text in (service.code, service.name))
    size = sum(len(text.encode(errors="surrogatepass")) for text in texts)
    dates = (service.valid_from, service.valid_until)
    frames = zip(_VALIDITY_FRAME_BYTES, dates, strict=True)
    return _SERVICE_FRAME_BYTES + size + sum(frame for frame, day in frames if day)


def _judge_code(code: str, count: Counter[str]) -> Rule | None:
    if not _SERVICE_CODE.fullmatch(code):
        return rules.SERVICE_CODE_SHAPE
    return rules.SERVICE_CODE_TWICE if count[code] > 1 else None
