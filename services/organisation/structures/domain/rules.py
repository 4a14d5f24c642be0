"""Rules of structures: permanent codes, French sentences, sources."""

from shared.vocabulary.rules import Rule

_OURS = "règle de la plateforme"

NOT_YOURS = Rule(
    code="ORG-DROIT-01",
    sentence="La structure {caller} ne peut pas modifier la structure {structure}.",
    remedy="Agir pour la structure {structure} (X-Structure).",
    source=_OURS,
)
STALE = Rule(
    code="ORG-VERSION-01",
    sentence="La structure {structure} n'est pas dans la version que vous avez lue.",
    remedy="La relire, puis refaire la modification avec son ETag.",
    source=_OURS,
)
SIRET_WRONG = Rule(
    code="ORG-IDENTIFIANT-01",
    sentence="« {identifier} » n'est pas un SIRET : 14 chiffres, dont le dernier est une clé.",
    remedy="Vérifier le SIRET, sans espace.",
    source="INSEE, clé du SIRET",
)
IDENTIFIER_SHAPE = Rule(
    code="ORG-IDENTIFIANT-02",
    sentence="« {identifier} » n'a pas la forme d'un identifiant {type}.",
    remedy="Respecter la forme attendue : {shape}.",
    source="schémas d'identification des échanges EDI (gobl, addon fr-choruspro)",
)
IDENTIFIER_OTHER = Rule(
    code="ORG-IDENTIFIANT-03",
    sentence="Cet identifiant est celui de la structure {identified}, non de {structure}.",
    remedy="Employer comme adresse le SIRET, ou le type suivi d'un tiret et de l'identifiant.",
    source=_OURS,
)
NAME_EMPTY = Rule(
    code="ORG-NOM-01",
    sentence="Le nom est vide : il lui faut une lettre ou un chiffre.",
    remedy="Indiquer un nom.",
    source=_OURS,
)
KIND_FIXED = Rule(
    code="ORG-TYPE-01",
    sentence="La structure est {kind} : son type ne se change pas.",
    remedy="Demander la conversion au support technique.",
    source="AIFE, la maîtrise d'ouvrage déléguée (31 janvier 2023)",
)
MANAGERS_NOT_READY = Rule(
    code="ORG-TYPE-02",
    sentence="La structure ne devient pas publique tant qu'aucun compte au PIGP n'est enregistré "
    "pour ces gestionnaires : {users}.",
    remedy="Faire demander ces comptes à la DGFiP par le mandant, puis les enregistrer "
    "(public-management-account).",
    source="webinaire maîtrise d'ouvrage, 20:39 à 21:14",
)
MOA_NOT_PUBLIC = Rule(
    code="ORG-PARAMETRE-01",
    sentence="Seule une structure publique peut être maîtrise d'ouvrage.",
    remedy="Choisir « sans », ou demander la conversion au support technique.",
    source="webinaire maîtrise d'ouvrage, 18:04",
)
PARAMETER_NOT_PUBLIC = Rule(
    code="ORG-PARAMETRE-02",
    sentence="Ce paramètre est celui d'un destinataire public.",
    remedy="Le retirer : une structure privée ne reçoit pas de pièce finale.",
    source="webinaire maîtrise d'ouvrage, 18:04",
)
SERVICE_CODE_SHAPE = Rule(
    code="ORG-SERVICE-01",
    sentence="« {code} » n'est pas un code service.",
    remedy="Employer au plus 100 lettres, chiffres, espaces intérieures, tirets ou soulignés.",
    source="akretion/factur-x-libreoffice-extension, ticket 12",
)
SERVICE_CODE_TWICE = Rule(
    code="ORG-SERVICE-02",
    sentence="Le code service « {code} » est présent plusieurs fois.",
    remedy="Garder un seul service par code.",
    source=_OURS,
)
SERVICES_TOO_HEAVY = Rule(
    code="ORG-SERVICE-03",
    sentence="Les {count} services pèsent {size} octets ensemble, pour {limit} au plus.",
    remedy="Raccourcir leurs noms, ou retirer les services qui ne servent plus.",
    source="taille d'un message du bus, fixée par la plateforme",
)
OPERATOR_ONLY = Rule(
    code="ORG-DROIT-02",
    sentence="Seul un opérateur de la plateforme change « {label} » d'une structure.",
    remedy="Laisser cette valeur telle quelle, ou demander son changement au support technique.",
    source="webinaire maîtrise d'ouvrage, 25:25",
)
MODIFICATION_NEEDED = Rule(
    code="ORG-DROIT-03",
    sentence="Il vous manque l'habilitation « Gérer ma structure » en modification pour la "
    "structure {structure}.",
    remedy="La demander à un gestionnaire de la structure, et agir pour elle (X-Structure).",
    source="webinaire maîtrise d'ouvrage, 30:08",
)
CREATION_NOT_PROVEN = Rule(
    code="ORG-DROIT-04",
    sentence="Rien ne prouve que vous êtes de la structure {structure} : votre jeton n'a pas son "
    "SIRET.",
    remedy="Se connecter par un fournisseur d'identité qui atteste ce SIRET, ou demander la "
    "création avec un justificatif.",
    source=_OURS,
)
KIND_NOT_OF_ISSUER = Rule(
    code="ORG-DROIT-05",
    sentence="Votre fournisseur d'identité n'atteste pas de structure {kind}.",
    remedy="Se connecter par un autre, ou demander la création avec un justificatif.",
    source=_OURS,
)
ESTABLISHMENT_CLOSED = Rule(
    code="ORG-SIRENE-01",
    sentence="L'établissement {structure} est fermé au répertoire SIRENE.",
    remedy="Employer le SIRET d'un établissement ouvert ; si SIRENE se trompe, demander la "
    "création au support technique.",
    source="INSEE, répertoire SIRENE, etatAdministratifEtablissement",
)
EDI_DERIVED = Rule(
    code="ORG-CANAL-01",
    sentence="« Peut recevoir via EDI » découle des canaux ouverts : ils disent {derived}.",
    remedy="Ouvrir ou fermer un canal (PUT ou DELETE …/pipes/travaux, recues ou statuts).",
    source="webinaire maîtrise d'ouvrage, 25:54",
)
ADDRESS_WITHOUT_CITY = Rule(
    code="ORG-ADRESSE-01",
    sentence="L'adresse postale n'a pas de ville.",
    remedy="Indiquer la ville, ou retirer l'adresse.",
    source=_OURS,
)
COUNTRY_SHAPE = Rule(
    code="ORG-ADRESSE-02",
    sentence="« {country} » n'est pas le code d'un pays.",
    remedy="Employer les deux lettres majuscules d'ISO 3166-1, comme FR.",
    source="ISO 3166-1",
)
POSTAL_CODE_SHAPE = Rule(
    code="ORG-ADRESSE-03",
    sentence="« {postal_code} » n'est pas un code postal français.",
    remedy="Employer cinq chiffres.",
    source="La Poste, norme NF Z10-011",
)
EMAIL_SHAPE = Rule(
    code="ORG-COURRIEL-01",
    sentence="« {email} » n'est pas une adresse électronique.",
    remedy="Indiquer une adresse de la forme nom@domaine.fr.",
    source="RFC 5321",
)
SERVICE_VALIDITY = Rule(
    code="ORG-SERVICE-04",
    sentence="La validité du service « {code} » finit le {until}, avant de commencer le {start}.",
    remedy="Corriger l'une des deux dates.",
    source=_OURS,
)
