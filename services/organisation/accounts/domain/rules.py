"""Rules of accounts: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"
_MANAGERS = "webinaire maîtrise d'ouvrage, 29:45 à 30:30"

EMAIL_SHAPE = Rule(
    code="ORG-COMPTE-01",
    sentence="« {email} » n'est pas une adresse électronique.",
    remedy="Indiquer une adresse de la forme nom@domaine.fr, de 254 caractères au plus.",
    source="webinaire maîtrise d'ouvrage, 2:52",
)
ACCOUNT_CLOSED = Rule(
    code="ORG-COMPTE-02",
    sentence="Ce compte est fermé.",
    remedy="S'adresser à l'assistance technique.",
    source=_OURS,
)
PEOPLE_ONLY = Rule(
    code="ORG-COMPTE-03",
    sentence="Seule une personne peut faire cette demande : le jeton est celui d'une machine.",
    remedy="Se connecter avec son propre compte.",
    source=_OURS,
)
KEY_REUSED = Rule(
    code="ORG-CLE-01",
    sentence="Cette clé a déjà servi pour une autre demande.",
    remedy="Employer une clé nouvelle (Idempotency-Key) pour chaque demande.",
    source=_OURS,
)
NOT_DECIDER = Rule(
    code="ORG-DECISION-01",
    sentence="Vous ne décidez pas pour la structure {structure}.",
    remedy="S'adresser à un gestionnaire principal, ou à qui a « Gérer ma structure » en "
    "modification.",
    source=_MANAGERS,
)
MAIN_MANAGER_ONLY = Rule(
    code="ORG-DECISION-02",
    sentence="Seul un gestionnaire principal peut nommer un gestionnaire, ou agir sur un "
    "gestionnaire principal.",
    remedy="S'adresser à un gestionnaire principal de la structure.",
    source=_MANAGERS,
)
ALREADY_DECIDED = Rule(
    code="ORG-DECISION-03",
    sentence="Cette demande n'attend plus de décision : {status}.",
    remedy="Relire la demande ; en faire une autre si besoin.",
    source=_OURS,
)
LAST_MAIN_MANAGER = Rule(
    code="ORG-GESTIONNAIRE-01",
    sentence="C'est le dernier gestionnaire principal de la structure {structure}.",
    remedy="Nommer d'abord un autre gestionnaire principal.",
    source=_OURS,
)
MANAGER_KEEPS_ORGANISATION = Rule(
    code="ORG-GESTIONNAIRE-02",
    sentence="Un gestionnaire principal garde « Gérer ma structure » en modification.",
    remedy="Laisser cette habilitation, ou lui retirer d'abord le rôle de gestionnaire principal.",
    source="webinaire maîtrise d'ouvrage, 29:50 et 31:32",
)
ALREADY_MANAGED = Rule(
    code="ORG-GESTIONNAIRE-03",
    sentence="La structure {structure} a déjà un gestionnaire principal.",
    remedy="Lui demander un rattachement.",
    source=_OURS,
)
ALREADY_ATTACHED = Rule(
    code="ORG-RATTACHEMENT-01",
    sentence="Vous êtes déjà rattaché à la structure {structure}.",
    remedy="Demander les habilitations qui manquent.",
    source="webinaire maîtrise d'ouvrage, 3:04 et 29:23",
)
TOO_MANY_ATTACHMENTS = Rule(
    code="ORG-RATTACHEMENT-02",
    sentence="Ce compte a déjà {count} rattachements, en cours ou demandés, pour {limit} au plus.",
    remedy="Quitter d'abord une structure.",
    source=_OURS,
)
NOBODY_DECIDES = Rule(
    code="ORG-RATTACHEMENT-03",
    sentence="La structure {structure} n'a pas de gestionnaire principal : personne ne pourrait "
    "répondre.",
    remedy="Se connecter avec son SIRET, ou demander à la gérer avec un justificatif "
    "(structure-requests).",
    source=_OURS,
)
NOT_ATTACHED = Rule(
    code="ORG-RATTACHEMENT-04",
    sentence="Ce compte n'est pas rattaché à la structure {structure}.",
    remedy="Vérifier la structure, ou demander d'abord un rattachement.",
    source="webinaire maîtrise d'ouvrage, 3:04",
)
STRUCTURE_INACTIVE = Rule(
    code="ORG-RATTACHEMENT-05",
    sentence="La structure {structure} est inactive.",
    remedy="Vérifier le SIRET de la structure.",
    source=_OURS,
)
TOO_MANY_WAITING = Rule(
    code="ORG-DEMANDE-01",
    sentence="{count} demandes attendent déjà une décision de la structure {structure}, pour "
    "{limit} au plus.",
    remedy="Attendre que ses gestionnaires aient répondu aux demandes d'avant.",
    source=_OURS,
)
TOO_MANY_ASKED = Rule(
    code="ORG-DEMANDE-02",
    sentence="{count} de vos demandes attendent déjà une décision, pour {limit} au plus.",
    remedy="Attendre la réponse aux demandes d'avant, ou en retirer une.",
    source=_OURS,
)
NOTHING_ASKED = Rule(
    code="ORG-DEMANDE-03",
    sentence="La demande ne porte sur rien de plus que ce que vous avez déjà.",
    remedy="Indiquer une application et un niveau qui manquent.",
    source=_OURS,
)
APPLICATION_UNKNOWN = Rule(
    code="ORG-HABILITATION-01",
    sentence="« {application} » n'est pas une application, ou n'a pas le niveau {level}.",
    remedy="Choisir parmi les applications et les niveaux du catalogue (applications).",
    source="webinaire maîtrise d'ouvrage, 31:14 à 31:37",
)
HABILITATION_TWICE = Rule(
    code="ORG-HABILITATION-02",
    sentence="L'habilitation « {application} » est présente plusieurs fois pour un même service.",
    remedy="Garder un seul niveau par application et par service.",
    source=_OURS,
)
SERVICE_UNKNOWN = Rule(
    code="ORG-HABILITATION-03",
    sentence="La structure n'a pas de service « {service} ».",
    remedy="Vérifier le code du service dans la fiche de la structure.",
    source=_OURS,
)
APPLICATION_HAS_NO_SERVICE = Rule(
    code="ORG-HABILITATION-04",
    sentence="« {application} » vaut pour toute la structure, non pour un service.",
    remedy="Retirer le service de cette habilitation.",
    source=_OURS,
)
TOO_MANY_HABILITATIONS = Rule(
    code="ORG-HABILITATION-05",
    sentence="{count} habilitations dans une structure : {limit} au plus.",
    remedy="Donner une habilitation sans service : elle vaut pour tous.",
    source=_OURS,
)
ATTACHMENT_STALE = Rule(
    code="ORG-HABILITATION-06",
    sentence="Les habilitations ne sont pas dans la version que vous avez lue.",
    remedy="Les relire, puis refaire la modification avec leur ETag.",
    source=_OURS,
)
TOO_MANY_INVITATIONS = Rule(
    code="ORG-INVITATION-01",
    sentence="La structure {structure} a envoyé {count} invitations en un jour, pour {limit} au "
    "plus.",
    remedy="Attendre le lendemain.",
    source=_OURS,
)
INVITED_IS_ATTACHED = Rule(
    code="ORG-INVITATION-02",
    sentence="Cette personne est déjà rattachée à la structure {structure}.",
    remedy="Changer ses habilitations, ou son rôle de gestionnaire.",
    source=_OURS,
)
INVITATION_ENDED = Rule(
    code="ORG-INVITATION-03",
    sentence="Cette invitation ne peut plus être retirée : {status}.",
    remedy="Mettre fin au rattachement, s'il a été accepté.",
    source=_OURS,
)
INVITER_DECIDES_NO_MORE = Rule(
    code="ORG-INVITATION-04",
    sentence="Qui a envoyé cette invitation ne décide plus pour la structure {structure}.",
    remedy="Demander une autre invitation, ou un rattachement.",
    source=_OURS,
)
LINK_REFUSED = Rule(
    code="ORG-LIEN-01",
    sentence="Ce lien ne peut pas servir : il est inconnu, il a déjà servi, ou il a été envoyé à "
    "une autre adresse que celle de votre connexion.",
    remedy="Se connecter avec l'adresse qui a reçu le lien, ou en demander un autre.",
    source=_OURS,
)
LINK_EXPIRED = Rule(
    code="ORG-LIEN-02",
    sentence="Ce lien a expiré.",
    remedy="En demander un autre.",
    source=_OURS,
)
TOO_MANY_CLAIMS = Rule(
    code="ORG-JUSTIFICATIF-01",
    sentence="{count} de vos demandes de structure attendent déjà, pour {limit} au plus.",
    remedy="Attendre la réponse aux demandes d'avant.",
    source=_OURS,
)
PROOF_EMPTY = Rule(
    code="ORG-JUSTIFICATIF-02",
    sentence="Le justificatif « {name} » est vide.",
    remedy="Joindre un justificatif : extrait Kbis, délibération, avis de situation SIRENE.",
    source=_OURS,
)
PROOF_NAME_TOO_LONG = Rule(
    code="ORG-JUSTIFICATIF-03",
    sentence="Le nom « {name} » a {length} caractères, pour {limit} au plus.",
    remedy="Raccourcir le nom du fichier.",
    source="AIFE, bonnes pratiques",
)
PROOF_NAME_REFUSED = Rule(
    code="ORG-JUSTIFICATIF-04",
    sentence="Le nom « {name} » contient un caractère qui ne s'affiche pas, ou une barre.",
    remedy="Renommer le fichier : lettres, chiffres, espaces, tirets.",
    source=_OURS,
)
PROOF_TYPE_REFUSED = Rule(
    code="ORG-JUSTIFICATIF-05",
    sentence="Le fichier « {name} » n'a pas une extension admise.",
    remedy="Employer l'une d'elles : {allowed}.",
    source="AIFE, bonnes pratiques",
)
PROOF_CONTENT_DIFFERS = Rule(
    code="ORG-JUSTIFICATIF-06",
    sentence="Le contenu de « {name} » n'est pas du format que dit son extension.",
    remedy="Enregistrer de nouveau le fichier dans son format, de préférence en PDF.",
    source=_OURS,
)
PROOF_TOO_LARGE = Rule(
    code="ORG-JUSTIFICATIF-07",
    sentence="Le fichier « {name} » pèse {size}, pour {limit} au plus.",
    remedy="Réduire le fichier.",
    source="AIFE, bonnes pratiques",
)
PROOFS_TOO_MANY = Rule(
    code="ORG-JUSTIFICATIF-08",
    sentence="{count} justificatifs : {limit} au plus.",
    remedy="Réunir les justificatifs dans un seul fichier.",
    source=_OURS,
)
PROOFS_TOO_LARGE = Rule(
    code="ORG-JUSTIFICATIF-09",
    sentence="Les justificatifs pèsent {size} ensemble, pour {limit} au plus.",
    remedy="Réduire les fichiers.",
    source=_OURS,
)
OPERATOR_ONLY = Rule(
    code="ORG-DECISION-05",
    sentence="Seul un opérateur de la plateforme décide des demandes de structure.",
    remedy="Attendre la décision d'un opérateur.",
    source=_OURS,
)
REASON_MISSING = Rule(
    code="ORG-DECISION-04",
    sentence="Un refus se justifie : le motif manque.",
    remedy="Indiquer le motif ; la personne le lira.",
    source=_OURS,
)
