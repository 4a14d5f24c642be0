"""Rules of routing: what a next piece or a recycling may not change."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"

KEY_REUSED = Rule(
    code="ROU-CLE-01",
    sentence="Cette clé d'idempotence a déjà servi pour un envoi différent.",
    remedy="Garder une clé pour le même envoi, et en prendre une nouvelle pour un autre.",
    source=_OURS,
)
PIECE_UNKNOWN = Rule(
    code="ROU-PIECE-01",
    sentence="Le dossier ne contient pas la pièce {piece_id}.",
    remedy="Choisir l'une des pièces du dossier.",
    source=_OURS,
)
PARTY_CHANGED = Rule(
    code="ROU-PARTIE-01",
    sentence="La pièce nomme {structure} comme {role}, mais le dossier nomme {named}.",
    remedy="Garder les structures du dossier ; une erreur sur l'une d'elles se refuse.",
    source=_OURS,
)
CURRENCY_CHANGED = Rule(
    code="ROU-DEVISE-01",
    sentence="La devise {now} n'est pas celle de la pièce précédente, {previous}.",
    remedy="Garder la devise du dossier.",
    source=_OURS,
)
ADDITION_TOO_LATE = Rule(
    code="ROU-AJOUT-01",
    sentence="L'ajout à la pièce {number} est arrivé après un autre acte sur le dossier.",
    remedy="Consulter le dossier : l'ajout y est conservé, sans effet.",
    source=_OURS,
)
NOT_RECYCLABLE = Rule(
    code="ROU-RECYCLAGE-01",
    sentence="Le recyclage de cette pièce ne change pas {role}.",
    remedy="Ne corriger que {allowed} et le numéro d'engagement.",
    source="AIFE, recycler une facture : destinataire, service, engagement",
)
NOTHING_RECYCLED = Rule(
    code="ROU-RECYCLAGE-02",
    sentence="Le recyclage ne corrige rien : la pièce repartirait comme elle est venue.",
    remedy="Corriger le destinataire, son service ou le numéro d'engagement.",
    source=_OURS,
)
