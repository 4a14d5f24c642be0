"""Journeys of the demo, as data: dossiers that end by acts, and dossiers that end by delays.

The expected outcome of each step is written here, not read from the circuit table, so that the demo
fails when the platform decides otherwise.
"""

from dataclasses import replace

from deploy.local.demo.pieces import write_cii, write_factur_x, write_pdf, write_ubl
from deploy.local.demo.steps import Deposit, Journey, Silence, Treatment
from deploy.local.demo.structures import MAIRIE, ONE_SIRET, TWO_SIRETS, WITHOUT_MOA
from shared.circuit.statuses import Act
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status

_TITULAIRE, _MOE, _MOA = Role.TITULAIRE, Role.MOE, Role.MOA
_PAYER = Role.SERVICE_FINANCIER

PAID = (
    Treatment(_PAYER, Act.SERVICE_FAIT, then=(Status.SERVICE_FAIT,)),
    Treatment(_PAYER, Act.MANDATER, then=(Status.MANDATEE,)),
    Treatment(_PAYER, Act.METTRE_EN_PAIEMENT, then=(Status.MISE_EN_PAIEMENT,)),
)

_A4 = Deposit(_TITULAIRE, "A4", then=(Status.A_ASSOCIER_MOE,), to=(_MOE,))
_A7 = Deposit(_TITULAIRE, "A7", then=(Status.A_ASSOCIER_MOE,), to=(_MOE,), informed=(_MOA,))
_A15 = Deposit(_MOE, "A15", then=(Status.A_ASSOCIER_MOA,), to=(_MOA,))
_A17 = Deposit(_MOE, "A17", then=(Status.A_ASSOCIER_MOA,), to=(_MOA,))
_A19 = Deposit(_MOA, "A19", then=(Status.MISE_A_DISPOSITION,), to=(_PAYER,))
_A20 = Deposit(_MOA, "A20", then=(Status.A_ASSOCIER_FOURNISSEUR,), to=(_TITULAIRE,))
_A8 = Deposit(_TITULAIRE, "A8", then=(Status.MISE_A_DISPOSITION,), to=(_PAYER,))

_CONTESTED = Treatment(
    _TITULAIRE,
    Act.CONTESTER,
    comment="Les intempéries de mars ne sont pas comptées.",
    then=(Status.CONTESTEE,),
    to=(_MOA,),
)

JOURNEYS = (
    Journey(
        "acompte, montants corrigés",
        TWO_SIRETS,
        write_ubl,
        (
            _A4,
            Deposit(
                _MOE,
                "A15",
                ht="9500.00",
                then=(Status.A_ASSOCIER_MOA,),
                to=(_MOA,),
                remark="A15 corrige le TTC",
            ),
            _A19,
            *PAID,
        ),
    ),
    Journey("acompte", ONE_SIRET, write_cii, (_A4, _A15, _A19, *PAID)),
    Journey("décompte final", TWO_SIRETS, write_factur_x, (_A7, _A17, _A20, _A8, *PAID)),
    Journey("décompte final", ONE_SIRET, write_pdf, (_A7, _A17, _A20, _A8, *PAID)),
    Journey(
        "acompte, suspendu et complété",
        ONE_SIRET,
        write_factur_x,
        (
            _A4,
            Treatment(
                _MOE,
                Act.SUSPENDRE,
                comment="Il manque le bon de livraison.",
                then=(Status.SUSPENDUE,),
                to=(_TITULAIRE,),
            ),
            Treatment(
                _TITULAIRE,
                Act.COMPLETER,
                comment="Bon de livraison joint.",
                then=(Status.COMPLETEE, Status.A_ASSOCIER_MOE),
                to=(_MOE,),
                remark="A4 suspendue, complétée",
            ),
            _A15,
            _A19,
            *PAID,
        ),
    ),
    Journey(
        "acompte refusé",
        TWO_SIRETS,
        write_ubl,
        (
            _A4,
            Treatment(
                _MOE,
                Act.REFUSER,
                motive="ERREUR_DE_MONTANT",
                broken="CIR-MOTIF-03",
                remark="refus pour erreur de montant",
            ),
            Treatment(
                _MOE,
                Act.REFUSER,
                motive="MAUVAISE_MOA",
                then=(Status.REFUSEE_MOE,),
                remark="A4 refusée par la MOE",
            ),
        ),
    ),
    Journey(
        "acompte déposé deux fois, MOE en retard",
        ONE_SIRET,
        write_cii,
        (
            Deposit(
                _TITULAIRE,
                "A4",
                is_sent_twice=True,
                then=(Status.A_ASSOCIER_MOE,),
                to=(_MOE,),
            ),
            Silence(16, "etat_acompte"),
            _A15,
            _A19,
            *PAID,
        ),
    ),
    Journey(
        "sous-traitance, validée",
        ONE_SIRET,
        write_ubl,
        (
            Deposit(Role.SOUS_TRAITANT, "A10", then=(Status.A_VALIDER_1,), to=(_TITULAIRE,)),
            Treatment(
                _TITULAIRE,
                Act.VALIDER,
                then=(Status.VALIDEE_1, Status.A_ASSOCIER_MOE),
                to=(_MOE,),
                remark="A10 validée par le titulaire",
            ),
            _A15,
            _A19,
            *PAID,
        ),
    ),
    Journey(
        "cotraitance, validée par le silence",
        TWO_SIRETS,
        write_cii,
        (
            Deposit(Role.COTRAITANT, "A13", then=(Status.A_VALIDER_1,), to=(_TITULAIRE,)),
            Silence(
                16,
                "validation",
                then=(Status.ABSENCE_VALIDATION_1_HORS_DELAI, Status.A_ASSOCIER_MOE),
                to=(_MOE,),
                remark="A13 que personne ne valide",
            ),
            _A15,
            _A19,
            *PAID,
        ),
    ),
    Journey("acompte ouvert par la MOE", ONE_SIRET, write_pdf, (_A15, _A19, *PAID)),
    Journey(
        "acompte sans MOA",
        WITHOUT_MOA,
        write_ubl,
        (
            _A4,
            Deposit(_MOE, "A16", then=(Status.MISE_A_DISPOSITION,), to=(_PAYER,)),
            *PAID,
        ),
    ),
    Journey(
        "décompte général contesté, refait",
        TWO_SIRETS,
        write_pdf,
        (
            _A17,
            _A20,
            _CONTESTED,
            Deposit(
                _MOA,
                "A20",
                ht="10400.00",
                then=(Status.A_ASSOCIER_FOURNISSEUR,),
                to=(_TITULAIRE,),
                remark="A20 contesté, refait par la MOA : le TTC",
            ),
            replace(_A8, ht="10400.00"),
            *PAID,
        ),
    ),
    Journey(
        "décompte général contesté, maintenu",
        ONE_SIRET,
        write_pdf,
        (
            _A20,
            _CONTESTED,
            Treatment(
                _MOA,
                Act.MAINTENIR,
                comment="Les intempéries sont comptées au poste 4.",
                then=(Status.A_ASSOCIER_FOURNISSEUR,),
                to=(_TITULAIRE,),
                remark="A20 contesté, maintenu par la MOA",
            ),
            _A8,
            *PAID,
        ),
    ),
    Journey(
        "décompte final, procédure tacite",
        TWO_SIRETS,
        write_ubl,
        (
            _A7,
            Silence(31, "decompte_general", to=(_TITULAIRE,), remark="A7 sans réponse : A22"),
            Deposit(
                _TITULAIRE,
                "A22",
                leaves=Status.REMPLACEE_PAR_A22,
                then=(Status.A_ASSOCIER_MOA,),
                to=(_MOA,),
                informed=(_MOE,),
            ),
            Silence(
                42,
                "decompte_tacite",
                then=(Status.A_ASSOCIER_FOURNISSEUR,),
                to=(_TITULAIRE, _MOE),
                remark="A22 sans réponse : A23, ou A24",
            ),
            Deposit(_TITULAIRE, "A23", then=(Status.MISE_A_DISPOSITION,), to=(_PAYER,)),
            *PAID,
        ),
    ),
    Journey(
        "état d'acompte recyclé",
        ONE_SIRET,
        write_ubl,
        (
            _A4,
            Deposit(
                _MOE,
                "A15",
                services={_MOA: "VOIRIE"},
                then=(Status.A_ASSOCIER_MOA,),
                to=(_MOA,),
            ),
            Treatment(
                _MOA,
                Act.DEMANDER_RECYCLAGE,
                comment="Ce marché est suivi par le service PATRIMOINE.",
                then=(Status.EN_ATTENTE_RECYCLAGE_FOURNISSEUR,),
                to=(_MOE,),
            ),
            Treatment(
                _MOE,
                Act.RECYCLER,
                correction={"moa": {"structure": MAIRIE.siret, "service": "PATRIMOINE"}},
                then=(Status.EN_COURS_ACHEMINEMENT, Status.A_ASSOCIER_MOA),
                to=(_MOA,),
                remark="A15 recyclé : service VOIRIE → PATRIMOINE",
            ),
            _A19,
            *PAID,
        ),
    ),
    Journey(
        "état d'acompte validé recyclé",
        TWO_SIRETS,
        write_factur_x,
        (
            _A4,
            _A15,
            Deposit(
                _MOA,
                "A19",
                engagement="2025-EJ-117",
                then=(Status.MISE_A_DISPOSITION,),
                to=(_PAYER,),
            ),
            Treatment(
                _PAYER,
                Act.DEMANDER_RECYCLAGE,
                comment="Cet engagement est soldé.",
                then=(Status.A_RECYCLER,),
                to=(_MOA,),
            ),
            Treatment(
                _MOA,
                Act.RECYCLER,
                correction={"engagement": "2026-EJ-004"},
                then=(Status.EN_COURS_ACHEMINEMENT, Status.MISE_A_DISPOSITION),
                to=(_PAYER,),
                remark="A19 recyclé : engagement 2025-EJ-117 → 2026-EJ-004",
            ),
            *PAID,
        ),
    ),
)
