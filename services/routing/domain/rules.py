"""The rules of routing: who may act on a dossier now."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"

DOSSIER_CLOSED = Rule(
    code="ROU-ATTENTE-01",
    sentence="Le dossier est clos : il n'attend plus rien.",
    remedy="Ouvrez un nouveau dossier, avec un nouveau numéro de pièce.",
    source=_OURS,
)
PIECE_NOT_AWAITED = Rule(
    code="ROU-ATTENTE-02",
    sentence="La pièce {number}, {status}, n'est plus à traiter : "
    "le dossier attend {awaited} sur la pièce {current}.",
    remedy="Consultez le dossier, et agissez sur la pièce attendue si c'est votre tour.",
    source=_OURS,
)
ACTOR_NOT_AWAITED = Rule(
    code="ROU-ATTENTE-03",
    sentence="Le dossier attend {awaited} ({structure}), non {role} ({caller}).",
    remedy="Laissez agir l'acteur attendu, ou agissez dans son rôle et pour sa structure.",
    source=_OURS,
)
DOSSIER_HELD = Rule(
    code="ROU-ATTENTE-04",
    sentence="Le dossier est retenu. {message}",
    remedy="La structure {structure} doit être corrigée dans l'annuaire ; le dossier repart alors.",
    source=_OURS,
)
ACT_NOT_POSSIBLE = Rule(
    code="ROU-ACTE-01",
    sentence="La pièce {number}, {status}, ne permet pas l'acte « {act} ».",
    remedy="Actes possibles : {allowed}.",
    source=_OURS,
)
PIECE_UNKNOWN = Rule(
    code="ROU-PIECE-01",
    sentence="Le dossier ne contient pas la pièce {piece_id}.",
    remedy="Choisissez l'une des pièces du dossier.",
    source=_OURS,
)
PARTY_CHANGED = Rule(
    code="ROU-PARTIE-01",
    sentence="La pièce nomme {structure} comme {role}, mais le dossier nomme {named}.",
    remedy="Gardez les structures du dossier ; une erreur sur l'une d'elles se refuse.",
    source=_OURS,
)
ABOUT_THE_STATE = frozenset(
    rule.code
    for rule in (
        DOSSIER_CLOSED,
        PIECE_NOT_AWAITED,
        ACTOR_NOT_AWAITED,
        DOSSIER_HELD,
        ACT_NOT_POSSIBLE,
    )
)
"""Rules that the same request may keep later; the others speak of the request itself."""
NOT_RECYCLABLE = Rule(
    code="ROU-RECYCLAGE-01",
    sentence="Le recyclage de cette pièce ne change pas {role}.",
    remedy="Seuls peuvent être corrigés : {allowed}, et le numéro d'engagement.",
    source="AIFE, recycler une facture : destinataire, service, engagement",
)
NOTHING_RECYCLED = Rule(
    code="ROU-RECYCLAGE-02",
    sentence="Le recyclage ne corrige rien : la pièce repartirait comme elle est venue.",
    remedy="Corrigez le destinataire, son service ou le numéro d'engagement.",
    source=_OURS,
)
