"""Problems of access control: each refusal of a token or of a right, with its stable code."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.rights.catalogue import find_application
from shared.rights.decide import Denial, Reason
from shared.rights.model import PrincipalKind
from shared.rights.needs import NeedKind
from shared.runtime.tokens.faults import TokenFault
from shared.runtime.web.problems import Problem

_REALM = 'Bearer realm="aiguillage"'
_REFUSED_TOKEN = f'{_REALM}, error="invalid_token"'
_SCOPE = f'{_REALM}, error="insufficient_scope"'
_FAULTS: Mapping[TokenFault, tuple[str, str]] = MappingProxyType(
    {
        TokenFault.MALFORMED: (
            "HTTP-JETON-02",
            "Le jeton est mal formé ; envoyer « Authorization: Bearer » et le jeton tel que reçu.",
        ),
        TokenFault.ALGORITHM: (
            "HTTP-JETON-03",
            "Le jeton n'est pas signé par un algorithme admis pour son émetteur.",
        ),
        TokenFault.SIGNATURE: ("HTTP-JETON-03", "La signature du jeton n'est pas valable."),
        TokenFault.ISSUER: ("HTTP-JETON-04", "L'émetteur du jeton n'est pas reconnu ici."),
        TokenFault.AUDIENCE: ("HTTP-JETON-05", "Le jeton n'est pas destiné à cette plateforme."),
        TokenFault.EXPIRED: ("HTTP-JETON-06", "Le jeton a expiré : en demander un nouveau."),
        TokenFault.NOT_YET: ("HTTP-JETON-07", "Le jeton n'est pas encore valable."),
        TokenFault.KEY_UNKNOWN: (
            "HTTP-JETON-08",
            "La clé qui a signé le jeton n'est pas publiée par son émetteur.",
        ),
        TokenFault.EMAIL: (
            "HTTP-JETON-11",
            "L'émetteur du jeton n'a pas vérifié l'adresse électronique de cette personne.",
        ),
        TokenFault.ACR: (
            "HTTP-JETON-11",
            "La connexion est trop faible : se connecter par un moyen plus sûr.",
        ),
    }
)
_REASONS: Mapping[Reason, tuple[str, str]] = MappingProxyType(
    {
        Reason.ACCOUNT: (
            "HTTP-DROIT-09",
            "Ce compte est inconnu ou fermé : s'enregistrer d'abord, ou demander sa réouverture.",
        ),
        Reason.NOT_ATTACHED: (
            "HTTP-DROIT-01",
            (
                "Votre compte n'est pas rattaché à la structure {structure} : demander un "
                "rattachement à ses gestionnaires."
            ),
        ),
        Reason.HABILITATION: (
            "HTTP-DROIT-02",
            (
                "Il manque l'habilitation « {application} », niveau {level}, pour la structure "
                "{structure} ; une habilitation limitée à un service demande X-Service."
            ),
        ),
        Reason.SCOPE: (
            "HTTP-DROIT-07",
            "Le jeton de ce programme n'a pas la portée « {application} », niveau {level}.",
        ),
        Reason.STRUCTURE_INACTIVE: ("HTTP-DROIT-03", "La structure {structure} est inactive."),
        Reason.ISSUER_KIND: (
            "HTTP-DROIT-08",
            "L'émetteur du jeton ne peut pas parler pour la structure {structure}.",
        ),
        Reason.OPERATOR: ("HTTP-DROIT-05", "Un exploitant de la plateforme peut seul faire cela."),
        Reason.DESK: ("HTTP-DROIT-06", "Votre compte n'est pas au bureau technique."),
    }
)
_OF_NO_STRUCTURE = "Votre compte n'est rattaché à aucune structure : demander un rattachement."
_MANAGERS = {
    NeedKind.MANAGER: "Un gestionnaire de la structure {structure} peut seul faire cela.",
    NeedKind.MAIN_MANAGER: "Un gestionnaire principal de la structure {structure} peut seul faire "
    "cela.",
}


def build_refused_token(fault: TokenFault) -> Problem:
    """Build the 401 problem of a token that is refused."""
    code, sentence = _FAULTS[fault]
    return Problem(401, code, sentence, headers={"WWW-Authenticate": _REFUSED_TOKEN})


def build_malformed_token() -> Problem:
    """Build the 401 problem of a header that holds no bearer token."""
    return build_refused_token(TokenFault.MALFORMED)


def build_too_long() -> Problem:
    """Build the 431 problem of a header that is too long."""
    return Problem(431, "HTTP-JETON-10", "L'en-tête Authorization dépasse 8 Ko : rien n'a été lu.")


def build_issuer_away(retry_after_s: int) -> Problem:
    """Build the 503 problem of an issuer that does not answer."""
    return Problem(
        503,
        "HTTP-JETON-09",
        "L'émetteur du jeton ne répond pas : recommencer dans quelques instants.",
        headers={"Retry-After": str(retry_after_s)},
    )


def build_desk_missing() -> Problem:
    """Build the 400 problem of a request that names no desk, or not whose desk."""
    return Problem(
        400,
        "HTTP-CALLER-04",
        "Indiquer le bureau (X-Desk) et, au bureau métier, la structure (X-Structure).",
    )


def build_denied(denial: Denial, kind: PrincipalKind) -> Problem:
    """Build the 403 problem of a denial, which names the right that is missing."""
    if denial.reason is Reason.MANAGER:
        code, sentence = "HTTP-DROIT-04", _MANAGERS[denial.right.kind]
    else:
        code, sentence = _REASONS[denial.reason]
        if denial.reason is Reason.NOT_ATTACHED and denial.structure is None:
            sentence = _OF_NO_STRUCTURE
    application = find_application(denial.application or "")
    detail = sentence.format(
        structure=denial.structure,
        application=application.label if application else denial.application,
        level=denial.level,
    )
    headers = {"WWW-Authenticate": _SCOPE} if kind is PrincipalKind.MACHINE else {}
    return Problem(403, code, detail, headers=headers)
