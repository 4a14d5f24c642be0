"""French labels of subscriptions: channels, states, causes."""

from collections.abc import Mapping

from services.notification.subscriptions.domain.subscription import Cause, State

STATES: Mapping[State, str] = {
    State.TO_CONFIRM: "À confirmer par le destinataire",
    State.ACTIVE: "Actif",
    State.CATCHING_UP: "Actif, en cours de rattrapage",
    State.DISABLED: "Désactivé",
}
CAUSES: Mapping[Cause, str] = {
    Cause.FAILURES: "Des envois échouent depuis plus de 24 heures.",
    Cause.GONE: "Le récepteur a répondu qu'il ne veut plus rien recevoir (410).",
    Cause.REFUSED: "Le serveur de messagerie a refusé l'adresse.",
    Cause.REVOKED: "Le propriétaire de l'abonnement n'a plus le droit de consulter ces pièces.",
    Cause.UNSUBSCRIBED: "Le destinataire s'est désabonné.",
    Cause.SWITCHED_OFF: "Un utilisateur de la structure l'a désactivé.",
}
