"""French description of where a piece stands: status, who is awaited, next step, due date."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.support.desks.domain.french_dates import format_day, format_moment
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

_ARTICLES: Mapping[Role, str] = {
    Role.TITULAIRE: "le titulaire",
    Role.COTRAITANT: "le cotraitant",
    Role.SOUS_TRAITANT: "le sous-traitant",
    Role.MOE: "la maîtrise d'œuvre",
    Role.MOA: "la maîtrise d'ouvrage",
    Role.SERVICE_FINANCIER: "le service financier",
}
_TO_DEPOSIT = "déposer la pièce suivante, ou traiter celle-ci (suspendre, refuser, recycler)"
_TO_PAY = "poursuivre le traitement jusqu'à la mise en paiement"
NEXT_STEPS: Mapping[Status, str] = {
    Status.A_VALIDER_1: "valider la pièce, ou la refuser avec un motif",
    Status.A_ASSOCIER_MOE: _TO_DEPOSIT,
    Status.PRISE_EN_COMPTE_MOE: _TO_DEPOSIT,
    Status.A_ASSOCIER_MOA: _TO_DEPOSIT,
    Status.PRISE_EN_COMPTE_MOA: _TO_DEPOSIT,
    Status.A_ASSOCIER_FOURNISSEUR: "signer le décompte général, ou le contester",
    Status.CONTESTEE: "déposer un nouveau décompte, ou maintenir ses montants",
    Status.SUSPENDUE: "compléter la pièce",
    Status.A_RECYCLER: "corriger le destinataire, le service ou l'engagement, et renvoyer la pièce",
    Status.EN_ATTENTE_RECYCLAGE_FOURNISSEUR: "corriger le destinataire, le service ou l'engagement,"
    " et renvoyer la pièce",
    Status.COMPLETEE: "reprendre la pièce, complétée",
    Status.MISE_A_DISPOSITION: "traiter la pièce en vue du paiement",
    Status.SERVICE_FAIT: _TO_PAY,
    Status.MANDATEE: _TO_PAY,
    Status.MISE_A_DISPOSITION_COMPTABLE: _TO_PAY,
    Status.COMPTABILISEE: _TO_PAY,
}
"""Next step of the awaited actor, by status; a piece in transit awaits nobody."""
_ENDINGS: Mapping[Status, str] = {
    Status.DEPOSEE: "Elle est en chemin vers son destinataire.",
    Status.EN_COURS_ACHEMINEMENT: "Elle est en chemin vers son destinataire.",
    Status.VALIDEE_1: "Elle est en chemin vers son destinataire.",
    Status.ABSENCE_VALIDATION_1_HORS_DELAI: "Elle est en chemin vers son destinataire.",
    Status.ASSOCIEE: "La pièce suivante du dossier a été déposée.",
    Status.REMPLACEE_PAR_A22: "Une pièce A22 a pris sa place.",
    Status.REFUSEE_1: "Le dossier s'arrête : une nouvelle pièce est à déposer.",
    Status.REFUSEE_MOE: "Le dossier s'arrête : une nouvelle pièce est à déposer.",
    Status.REFUSEE_MOA: "Le dossier s'arrête : une nouvelle pièce est à déposer.",
    Status.REFUSEE_FOURNISSEUR: "Le dossier s'arrête : une nouvelle pièce est à déposer.",
    Status.REJETEE: "Elle est écartée pour de bon : une nouvelle pièce est à déposer.",
    Status.MISE_EN_PAIEMENT: "Son traitement est terminé.",
}


@dataclass(frozen=True, slots=True)
class AwaitedActor:
    """Actor whom a piece awaits."""

    role: Role
    name: str | None


@dataclass(frozen=True, slots=True)
class TrackedPiece:
    """Piece as the portal shows it to the asker."""

    number: str
    cadre: str
    label: str
    status: Status
    status_label: str
    status_at: datetime | None
    awaited: tuple[AwaitedActor, ...] = ()
    since: datetime | None = None
    due: datetime | None = None
    held: bool = False
    awaits_me: bool = False
    latest: "TrackedPiece | None" = None
    """The latest piece of the dossier, when another one has followed this one."""


SUPERSEDED = frozenset({Status.ASSOCIEE, Status.REMPLACEE_PAR_A22})
"""Statuses of a piece that another piece has followed."""


def choose_latest(later: Sequence[TrackedPiece]) -> TrackedPiece | None:
    """Choose the latest piece of a dossier among those deposited after a piece, latest first.

    A deposit out of turn is REJETEE and left out. When no other piece stands, as after the service
    financier has rejected the last one, the latest is chosen. None when no piece is later.
    """
    gone = SUPERSEDED | {Status.REJETEE}
    standing = (each for each in later if each.status not in gone)
    return next(standing, later[0] if later else None)


def describe_pieces(pieces: Sequence[TrackedPiece]) -> str:
    """Describe in French where the pieces of one number stand."""
    return "\n\n".join(" ".join(_describe_piece(piece)) for piece in pieces)


def _describe_piece(piece: TrackedPiece) -> Iterator[str]:
    yield f"La pièce {piece.number} ({piece.cadre}, {piece.label}) {_describe_status(piece)}"
    yield from _describe_next_step(piece)
    if latest := piece.latest:
        yield (
            f"La dernière pièce du dossier, {latest.number} ({latest.cadre}, {latest.label}), "
            f"{_describe_status(latest)}"
        )
        yield from _describe_next_step(latest)


def _describe_status(piece: TrackedPiece) -> str:
    since = f" depuis le {format_moment(piece.status_at)}" if piece.status_at else ""
    return f"est au statut « {piece.status_label} »{since}."


def _describe_next_step(piece: TrackedPiece) -> Iterator[str]:
    if piece.held:
        yield (
            "Une règle la retient pour le moment : elle repartira quand la structure en cause "
            "sera corrigée dans l'annuaire."
        )
    elif piece.awaited:
        yield from _describe_awaited(piece)
    elif piece.status in _ENDINGS:
        yield _ENDINGS[piece.status]


def _describe_awaited(piece: TrackedPiece) -> Iterator[str]:
    first, *others = piece.awaited
    who = _ARTICLES[first.role] + (f" ({first.name})" if first.name else "")
    since = f", depuis le {format_day(piece.since)}" if piece.since else ""
    whose = " : c'est vous" if piece.awaits_me else ""
    yield f"Est attendu : {who}{since}{whose}."
    if others:
        yield f"Peut agir aussi : {', '.join(_ARTICLES[each.role] for each in others)}."
    if step := NEXT_STEPS.get(piece.status):
        yield f"Prochaine étape : {step}."
    if piece.due:
        # A delay ends at midnight, at the end of its last day.
        yield f"Échéance : {format_day(piece.due - timedelta(microseconds=1))} au soir."
