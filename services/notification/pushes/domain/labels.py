"""French labels of pushes: faults of a target, states of a delivery, what came of an attempt."""

from collections.abc import Mapping

from services.notification.pushes.domain.delivery import DeliveryState
from services.notification.pushes.domain.targets import (
    URL_LIMIT,
    TargetFault,
    TargetRules,
    judge_url,
)

FAULTS: Mapping[TargetFault, str] = {
    TargetFault.URL: (
        f"elle est illisible, dépasse {URL_LIMIT} caractères ou en contient qui devraient être "
        "encodés"
    ),
    TargetFault.SCHEME: "elle n'est pas en https",
    TargetFault.USERINFO: "elle contient des identifiants",
    TargetFault.FRAGMENT: "elle contient un fragment, après « # »",
    TargetFault.HOST: "son hôte n'est ni un nom ni une adresse sous sa forme habituelle",
    TargetFault.PORT: "son port n'est pas admis",
    TargetFault.ADDRESS: "son adresse, ou son nom, n'est pas public",
}
DELIVERY_STATES: Mapping[DeliveryState, str] = {
    DeliveryState.WAITING: "En attente",
    DeliveryState.DELIVERED: "Remis",
    DeliveryState.FAILED: "Abandonné",
}
CODES: Mapping[str, str] = {
    "name": "Le nom n'a pas d'adresse, ou son serveur de noms ne répond pas.",
    "address": "Le nom, ou une adresse à laquelle il mène, n'est pas public.",
    "connect": "La connexion n'a pas pu être établie.",
    "tls": "Le certificat manque, n'est pas celui de ce nom ou n'est pas d'une autorité reconnue.",
    "timeout": "Le récepteur n'a pas répondu à temps.",
    "closed": "La connexion a été fermée sans réponse.",
    "answer": "La réponse n'est pas du HTTP, ou son en-tête est trop long.",
    "left": "La structure n'est plus partie au dossier : rien n'est envoyé.",
    "status": "Cette version de la plateforme ne sait pas encore lire le statut.",
    "secret": "Aucune clé de la plateforme ne déchiffre le secret de l'abonnement.",
    "redirect": "Le récepteur redirige ailleurs : une redirection n'est pas suivie.",
    "mail": "Le courriel a été mis en file d'envoi.",
    "expired": "Le courriel n'a pas pu être remis à temps au serveur de messagerie.",
}
"""What came of an attempt that no server has answered by a number, or whose answer is none."""


def describe_target(url: str, rules: TargetRules) -> str | None:
    """Tell why a URL can be no webhook, in French; None when it can."""
    fault = judge_url(url, rules)
    return FAULTS[fault] if fault else None


def label_code(code: str) -> str:
    """Label the code of an attempt."""
    if code.isdecimal():
        return f"Le récepteur a répondu {code}."
    if code in set(TargetFault) - {TargetFault.ADDRESS}:
        return f"L'URL n'est plus admise : {FAULTS[TargetFault(code)]}."
    return CODES.get(code, code)
