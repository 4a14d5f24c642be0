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
