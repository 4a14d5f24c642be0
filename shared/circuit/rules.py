"""Rules of the circuit: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_WEBINAR = "webinaire maîtrise d'ouvrage"
_OURS = "règle de la plateforme"

CADRE_UNKNOWN = Rule(
    code="CIR-CADRE-01",
    sentence="Le cadre de facturation {cadre} n'existe pas dans le circuit {version}.",
    remedy="Choisir l'un des cadres : {allowed}.",
    source=_OURS,
)
CADRE_NOT_OPENER = Rule(
    code="CIR-CADRE-02",
    sentence="Une pièce {cadre} ne peut pas ouvrir un dossier.",
    remedy="Indiquer la pièce à laquelle elle fait suite, ou ouvrir le dossier par : {allowed}.",
    source=f"{_WEBINAR}, 9:28 et 10:37",
)
CADRE_NOT_NEXT = Rule(
    code="CIR-CADRE-03",
    sentence="Une pièce {cadre} ne peut pas suivre une pièce {previous}.",
    remedy="Déposer la suite attendue : {allowed}.",
    source=f"{_WEBINAR}, 43:08",
)
CADRE_WRONG_DEPOSITOR = Rule(
    code="CIR-CADRE-04",
    sentence="Une pièce {cadre} est déposée par {expected}, non par {role}.",
    remedy="La déposer dans le rôle qui convient, ou choisir un cadre de votre rôle.",
    source="AIFE, cadres de facturation par acteur",
)
CADRE_NEEDS_MOA = Rule(
    code="CIR-CADRE-05",
    sentence="Le circuit sans maîtrise d'ouvrage n'est pas ouvert à une pièce {cadre}.",
    remedy="Nommer la maîtrise d'ouvrage du marché.",
    source=_OURS,
)
CADRE_NEEDS_NO_MOA = Rule(
    code="CIR-CADRE-06",
    sentence="Une pièce {cadre} ne circule que sans maîtrise d'ouvrage, or une est nommée.",
    remedy="Choisir un autre cadre, ou ne pas nommer de maîtrise d'ouvrage.",
    source=_OURS,
)
PARTY_MISSING = Rule(
    code="CIR-PARTIE-01",
    sentence="Le circuit de la pièce {cadre} exige {role} : ce rôle n'est pas renseigné.",
    remedy="Indiquer la structure de ce rôle.",
    source=_OURS,
)
PARTY_NOT_DEPOSITOR = Rule(
    code="CIR-PARTIE-02",
    sentence="La structure {structure} dépose la pièce mais n'est pas {role} du dossier.",
    remedy="Déposer pour la structure nommée dans le dossier, ou corriger la partie.",
    source=_OURS,
)
VALIDATOR_IS_DEPOSITOR = Rule(
    code="CIR-PARTIE-03",
    sentence="Une pièce {cadre} est validée par {role}, or la structure {structure} est "
    "nommée dans ce rôle et dépose elle-même.",
    remedy="Nommer {role} du marché, ou déposer dans ce rôle si vous le tenez.",
    source="AIFE, guide de la sous-traitance",
)
SIGNED_AMOUNT_CHANGED = Rule(
    code="CIR-MONTANT-01",
    sentence="{label} est de {now} dans cette pièce {cadre}, "
    "et de {before} dans la pièce {number} qu'elle signe.",
    remedy="Signer les montants de la pièce {number}, ou la contester. Seul le montant à payer "
    "peut être moindre : de ce qui a été payé depuis.",
    source=f"{_WEBINAR}, 11:01 à 11:08 ; code-commande-publique.com, décompte général notifié au "
    "titulaire ; pour le montant à payer, règle de la plateforme",
)
TACIT_AMOUNT_CHANGED = Rule(
    code="CIR-MONTANT-02",
    sentence="{label} est de {now} dans cette pièce {cadre}, et de {before} dans la pièce "
    "{number}, restée sans réponse, qu'elle rend définitive.",
    remedy="Reprendre les montants de la pièce {number}. Seul le montant à payer "
    "peut être moindre : de ce qui a été payé depuis.",
    source="CCAG Travaux 2021, 12.4.4 : le projet transmis devient le décompte définitif ; "
    "pour le montant à payer, règle de la plateforme",
)
CARRIED_TYPE_CHANGED = Rule(
    code="CIR-MONTANT-03",
    sentence="Le type de document {now} n'est pas celui de la pièce {number}, {before} : "
    "un avoir se retranche de ce qu'une facture ajoute.",
    remedy="Garder le type de la pièce {number}, dont celle-ci reprend les montants ; "
    "si vous n'en êtes pas d'accord et qu'elle peut l'être, la contester.",
    source=_OURS,
)
STRUCTURE_UNKNOWN = Rule(
    code="CIR-STRUCTURE-01",
    sentence="La structure {structure} est inconnue.",
    remedy="Vérifier son identifiant dans l'annuaire.",
    source=_OURS,
    can_be_early=True,
)
STRUCTURE_INACTIVE = Rule(
    code="CIR-STRUCTURE-02",
    sentence="La structure {structure} est inactive.",
    remedy="Nommer une structure active, ou faire réactiver celle-ci par son gestionnaire.",
    source=_OURS,
    can_be_early=True,
)
STRUCTURE_NOT_PUBLIC = Rule(
    code="CIR-STRUCTURE-03",
    sentence="La structure {structure} n'est pas publique : elle ne peut pas être {role}.",
    remedy="Nommer une structure publique.",
    source=f"{_WEBINAR}, 18:04",
)
SERVICE_UNKNOWN = Rule(
    code="CIR-SERVICE-01",
    sentence="Le service {service} n'existe pas dans la structure {structure}.",
    remedy="Choisir un service de l'annuaire de cette structure.",
    source=_OURS,
    can_be_early=True,
)
SERVICE_INACTIVE = Rule(
    code="CIR-SERVICE-02",
    sentence="Le service {service} de la structure {structure} n'est plus actif.",
    remedy="Choisir un service actif de cette structure.",
    source=_OURS,
    can_be_early=True,
)
MOA_TAKES_NO_PART = Rule(
    code="CIR-MOA-01",
    sentence="La structure {moa} est « sans maîtrise d'ouvrage » : "
    "elle ne reçoit pas de factures de travaux.",
    remedy="Vérifier la maîtrise d'ouvrage, ou la faire déclarer « avec maîtrise d'ouvrage ».",
    source=f"{_WEBINAR}, 13:36 à 17:13",
    can_be_early=True,
)
RECEIVES_NO_FINAL_PIECE = Rule(
    code="CIR-MOA-02",
    sentence="La structure {service_financier} est « exclusivement maîtrise d'ouvrage » : "
    "elle ne reçoit pas la pièce finale.",
    remedy="Nommer le service financier qui paie pour cette maîtrise d'ouvrage.",
    source=f"{_WEBINAR}, 27:19 à 28:46",
    can_be_early=True,
)
MOA_TO_BE_NAMED = Rule(
    code="CIR-MOA-03",
    sentence="La structure {service_financier} est « avec maîtrise d'ouvrage » "
    "et aucune maîtrise d'ouvrage n'est nommée.",
    remedy="Nommer la maîtrise d'ouvrage du marché.",
    source=_OURS,
    can_be_early=True,
)
MANDATE_UNKNOWN = Rule(
    code="CIR-MANDAT-01",
    sentence="La structure {mandant} n'a donné à la structure {delegate} aucun mandat de "
    "maîtrise d'ouvrage.",
    remedy="Faire enregistrer le mandat par la structure {mandant}, ou corriger le mandant ou la "
    "maîtrise d'ouvrage.",
    source=f"{_WEBINAR}, 17:51 à 19:08",
    can_be_early=True,
)
MANDATE_NOT_BEGUN = Rule(
    code="CIR-MANDAT-02",
    sentence="Le mandat donné par la structure {mandant} à la structure {delegate} "
    "ne commence que le {day}.",
    remedy="Attendre ce jour, ou faire avancer le début du mandat par le mandant.",
    source=_OURS,
    can_be_early=True,
)
MANDATE_ENDED = Rule(
    code="CIR-MANDAT-03",
    sentence="Le mandat donné par la structure {mandant} à la structure {delegate} "
    "a pris fin le {day}.",
    remedy="Faire prolonger le mandat par le mandant, ou en faire enregistrer un autre.",
    source=_OURS,
    can_be_early=True,
)
MANDATE_CLOSED = Rule(
    code="CIR-MANDAT-04",
    sentence="Le mandat donné par la structure {mandant} à la structure {delegate} "
    "a été clos le {day}.",
    remedy="Faire enregistrer un autre mandat par le mandant.",
    source=_OURS,
    can_be_early=True,
)
MANDATE_OUT_OF_SCOPE = Rule(
    code="CIR-MANDAT-05",
    sentence="Le mandat donné par la structure {mandant} à la structure {delegate} "
    "ne couvre pas {marche}.",
    remedy="Indiquer un marché que le mandat couvre, ou le faire ajouter par le mandant.",
    source=_OURS,
    can_be_early=True,
)
DELEGATE_PAYS = Rule(
    code="CIR-MANDAT-06",
    sentence="Sous mandat, la maîtrise d'ouvrage déléguée {delegate} paie par son propre service "
    "financier, or la structure {service_financier} est nommée.",
    remedy="Nommer la structure {delegate} comme service financier.",
    source=f"{_WEBINAR}, 22:00 à 22:16",
)
MANDANT_WITHOUT_MOA = Rule(
    code="CIR-MANDAT-07",
    sentence="Un mandant est nommé, et aucune maîtrise d'ouvrage n'agit pour lui.",
    remedy="Nommer la maîtrise d'ouvrage déléguée, ou ne pas nommer de mandant.",
    source=_OURS,
)
SERVICE_REQUIRED = Rule(
    code="CIR-CHAMP-01",
    sentence="La structure {structure} exige un code service.",
    remedy="Indiquer le code du service destinataire.",
    source="paramètre codeServiceDoitEtreRenseigne de la structure",
    can_be_early=True,
)
ENGAGEMENT_REQUIRED = Rule(
    code="CIR-CHAMP-02",
    sentence="La structure {structure} exige un numéro d'engagement.",
    remedy="Indiquer le numéro d'engagement donné par l'acheteur.",
    source="paramètre numeroEJDoitEtreRenseigne de la structure",
    can_be_early=True,
)
ENGAGEMENT_OR_SERVICE_REQUIRED = Rule(
    code="CIR-CHAMP-03",
    sentence="La structure {structure} exige un numéro d'engagement ou un code service.",
    remedy="Indiquer l'un ou l'autre.",
    source="paramètre gestionNumeroEJOuCodeService de la structure",
    can_be_early=True,
)
ENGAGEMENT_REQUIRED_BY_SERVICE = Rule(
    code="CIR-CHAMP-04",
    sentence="Le service {service} de la structure {structure} exige un numéro d'engagement.",
    remedy="Indiquer le numéro d'engagement donné par l'acheteur.",
    source="paramètre numeroEngagement du service",
    can_be_early=True,
)
TEXT_UNREADABLE = Rule(
    code="CIR-CHAMP-05",
    sentence="{label} contient un signe qu'aucun écran ne montre.",
    remedy="Retaper ce texte au clavier : il a pu être copié d'un autre logiciel.",
    source=_OURS,
)
DOSSIER_CLOSED = Rule(
    code="CIR-TOUR-01",
    sentence="Le dossier est clos : il n'attend plus rien.",
    remedy="Ouvrir un nouveau dossier, avec un nouveau numéro de pièce.",
    source=_OURS,
)
PIECE_NOT_AWAITED = Rule(
    code="CIR-TOUR-02",
    sentence="La pièce {number}, {status}, n'est plus à traiter : "
    "le dossier attend {awaited} sur la pièce {current}.",
    remedy="Consulter le dossier, et agir sur la pièce attendue si c'est votre tour.",
    source=_OURS,
    can_be_early=True,
)
ACTOR_NOT_AWAITED = Rule(
    code="CIR-TOUR-03",
    sentence="Le dossier attend {awaited} ({structure}), non {role} ({caller}).",
    remedy="Laisser agir l'acteur attendu, ou agir dans son rôle et pour sa structure.",
    source=_OURS,
    can_be_early=True,
)
DOSSIER_HELD = Rule(
    code="CIR-TOUR-04",
    sentence="Le dossier est retenu : {held}",
    remedy="Faire corriger la structure en cause dans l'annuaire, ou le mandat qu'elle a donné ; "
    "le dossier repart alors.",
    source=_OURS,
    can_be_early=True,
)
ACT_NOT_POSSIBLE = Rule(
    code="CIR-TOUR-05",
    sentence="La pièce {number}, {status}, ne permet pas l'acte « {act} ».",
    remedy="Choisir parmi les actes possibles : {allowed}.",
    source=_OURS,
    can_be_early=True,
)
TURN_RULE_CODES = frozenset(
    rule.code
    for rule in (
        DOSSIER_CLOSED,
        PIECE_NOT_AWAITED,
        ACTOR_NOT_AWAITED,
        DOSSIER_HELD,
        ACT_NOT_POSSIBLE,
    )
)
"""Rules about the state of the dossier: the same request may be accepted later. All other rules
concern the request itself."""

MOTIVE_REQUIRED = Rule(
    code="CIR-MOTIF-01",
    sentence="Un refus porte un motif.",
    remedy="Choisir l'un des motifs : {allowed}.",
    source=f"{_WEBINAR}, écran de refus",
)
MOTIVE_UNKNOWN = Rule(
    code="CIR-MOTIF-02",
    sentence="Le motif {motive} n'est pas valable à cette date pour une pièce {cadre}.",
    remedy="Choisir l'un des motifs : {allowed}.",
    source="AIFE, récupérer les motifs de refus d'une facture de travaux",
)
MOTIVE_BLOCKS = Rule(
    code="CIR-MOTIF-03",
    sentence="Le motif « {label} » ne permet pas de refuser la pièce.",
    remedy="{answer}",
    source="AIFE, KB0011867 ; code de la commande publique, R.2192-34",
)
COMMENT_REQUIRED = Rule(
    code="CIR-MOTIF-04",
    sentence="Cet acte porte une explication, et elle manque.",
    remedy="Dire en quelques mots ce qui est attendu de l'autre partie.",
    source=_OURS,
)
COMMENT_TOO_LONG = Rule(
    code="CIR-MOTIF-05",
    sentence="L'explication compte {length} caractères ; {limit} au plus sont admis.",
    remedy="La raccourcir, et joindre le détail en pièce complémentaire.",
    source="connecteur Pastell : motif de rejet et de suspension, 255 caractères",
)
