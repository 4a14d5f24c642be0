"""Generator of the page of the circuit: every row with its source, so that a lawyer can check."""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from shared.circuit import statuses
from shared.circuit.amounts import must_carry_amounts
from shared.circuit.delays import CONCLUDED, RECEIVERS, Effect, Start
from shared.circuit.document_types import list_document_types
from shared.circuit.loader import load_current
from shared.circuit.moa import CASES, Case, Outcome, Relation
from shared.circuit.parties import LABELS
from shared.circuit.statuses import (
    ENTRY,
    TRANSITIONS,
    VALIDATED,
    Act,
    NextActor,
    Reason,
    Transition,
)
from shared.circuit.table import Circuit, Confidence, Phase, Row
from shared.vocabulary.codes import is_credit_note
from shared.vocabulary.labels import ROLES, STATUSES
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import FINAL, Status
from shared.vocabulary.structures import MoaParameter

T = TypeVar("T")
_HEAD = """# Circuit {version}

Page écrite par `make docs` à partir des tables de `shared/circuit`, celles que le code applique. Un dossier ouvert garde les lignes et les délais de la version sous laquelle il s'est ouvert ; les actes et les statuts sont communs à toutes les versions, et un motif vaut selon ses dates. Une ligne peut être désactivée par l'exploitant ; celles qui en dépendent le sont avec elle.

Dans les schémas, une pièce est un cadre : arrondi s'il peut ouvrir un dossier, en pointillé si sa ligne est une règle de la plateforme. Une flèche mène à la pièce suivante et nomme qui la dépose ; en pointillé, elle vaut quand la pièce est contestée, remplacée parce que son destinataire est en retard, ou laissée sans réponse.

Confiance : **officielle**, dit par l'AIFE ou un texte ; **webinaire**, montré par l'AIFE en webinaire ; **plateforme**, choix de la plateforme faute de source, à confirmer. Les [sources](sources.md) disent ce qu'est chacune et où la lire.
"""  # noqa: E501 - a paragraph of Markdown is a line
_CONFIDENCE = {
    Confidence.OFFICIELLE: "officielle",
    Confidence.WEBINAIRE: "webinaire",
    Confidence.PLATEFORME: "plateforme",
}
_PHASES = {Phase.EN_COURS: "en cours de marché", Phase.FIN: "fin de marché"}
_ACTS = {
    Act.DEPOSER_SUITE: "déposer la pièce suivante",
    Act.REMPLACER: "déposer une pièce à la place",
    Act.PRENDRE_EN_COMPTE: "prendre en compte",
    Act.REFUSER: "refuser",
    Act.SUSPENDRE: "suspendre",
    Act.COMPLETER: "compléter",
    Act.VALIDER: "valider",
    Act.DEMANDER_RECYCLAGE: "demander le recyclage",
    Act.RECYCLER: "recycler",
    Act.CONTESTER: "contester",
    Act.MAINTENIR: "maintenir ses montants",
    Act.REJETER: "rejeter",
    Act.SERVICE_FAIT: "constater le service fait",
    Act.MANDATER: "mandater",
    Act.METTRE_A_DISPOSITION_COMPTABLE: "mettre à disposition du comptable",
    Act.COMPTABILISER: "comptabiliser",
    Act.METTRE_EN_PAIEMENT: "mettre en paiement",
}
_AWAITED = {
    NextActor.SAME: "le même",
    NextActor.DEPOSITOR_COMPLETES: "le déposant, pour compléter",
    NextActor.DEPOSITOR_RECYCLES: "le déposant, pour recycler",
    NextActor.DEPOSITOR_ANSWERS: "le déposant, pour répondre",
    NextActor.RECIPIENT: "le destinataire",
    NextActor.RECIPIENT_OF_FOLLOWER: "le destinataire de la nouvelle pièce",
    NextActor.NOBODY: "personne",
}
_REASONS = {Reason.NONE: "", Reason.MOTIVE: "motif", Reason.COMMENT: "commentaire"}
_STARTS = {
    Start.AWAITED: "la mise à disposition de celui qui est attendu",
    Start.ARRIVAL: "l'arrivée de la pièce chez celui qui est attendu, qu'une suspension "
    "ne change pas",
    Start.RECEPTION: "la première réception d'une pièce du dossier, soit par "
    + ", soit par ".join(LABELS[role] for role in Role if role in RECEIVERS),
}
_EFFECTS = {
    Effect.SIGNAL: "les parties en sont averties",
    Effect.VALIDATE: "le silence vaut validation : la pièce va à son destinataire",
    Effect.OFFER: "la procédure tacite s'ouvre : une pièce peut prendre la place de celle-ci",
    Effect.CONCLUDE: "le silence vaut acceptation : les suites sans réponse peuvent être déposées",
}
_RELATIONS = {
    Relation.SAME: "la structure qui paie",
    Relation.OTHER: "une autre structure",
    Relation.NONE: "aucune",
}
_PARAMETERS = {
    MoaParameter.AVEC: "avec maîtrise d'ouvrage",
    MoaParameter.EXCLUSIVEMENT: "exclusivement maîtrise d'ouvrage",
    MoaParameter.SANS: "sans maîtrise d'ouvrage",
}
_OUTCOMES = {
    Outcome.WITH_MOA: "le circuit avec maîtrise d'ouvrage",
    Outcome.WITHOUT_MOA: "le circuit sans maîtrise d'ouvrage",
}
_PAYER = "PAIEMENT"
_MOTIVES = Path(statuses.__file__).parent / "tables" / "motifs-de-refus.csv"


def render_circuit() -> str:
    """Render the page of the current version of the circuit, by which new dossiers open."""
    circuit = load_current()
    sections = [
        _format_section(circuit, phase, moa=moa)
        for moa in (True, False)
        for phase in Phase
        if _list_rows(circuit, phase, moa=moa)
    ]
    head = _HEAD.format(version=circuit.version)
    return "\n".join(
        (
            head,
            *sections,
            _format_moa_parameter(),
            _format_delays(circuit),
            _format_statuses(),
            _format_motives(),
            _format_document_types(),
        )
    )


def draw_circuit(circuit: Circuit, phase: Phase, *, moa: bool) -> str:
    """Draw the rows of one phase, with a MOA or without, as a Mermaid diagram."""
    rows = _list_rows(circuit, phase, moa=moa)
    drawn = dict.fromkeys(row for each in rows for row in (each, *circuit.list_every_next(each)))
    lines = [
        "flowchart LR",
        *(_format_node(row) for row in drawn),
        f'{_PAYER}[["{ROLES[Role.SERVICE_FINANCIER]}"]]',
        *(line for row in rows for line in _format_arrows(circuit, row)),
        "classDef plateforme stroke-dasharray: 4 3",
    ]
    ours = [row.cadre for row in drawn if row.confidence is Confidence.PLATEFORME]
    if ours:
        lines.append(f"class {','.join(ours)} plateforme")
    return "\n    ".join(lines)


def _format_node(row: Row) -> str:
    lines = [row.cadre, row.label]
    if row.validator:
        lines.append(f"validée par : {ROLES[row.validator]}")
    text = "<br/>".join(lines)
    return f'{row.cadre}(["{text}"])' if row.is_opener else f'{row.cadre}["{text}"]'


def _format_arrows(circuit: Circuit, row: Row) -> Iterator[str]:
    for after in circuit.list_next_rows(row):
        yield f'{row.cadre} -->|"{ROLES[after.depositor]}"| {after.cadre}'
    for when, rows in (
        ("contestée", circuit.list_next_rows(row, contested=True)),
        ("en retard", circuit.list_replacing_rows(row)),
        ("sans réponse", circuit.list_tacit_rows(row)),
    ):
        for after in rows:
            yield f'{row.cadre} -.->|"{when} : {ROLES[after.depositor]}"| {after.cadre}'
    if row.is_final:
        yield f"{row.cadre} --> {_PAYER}"


def _list_rows(circuit: Circuit, phase: Phase, *, moa: bool) -> list[Row]:
    return [row for row in circuit.rows if row.phase is phase and row.moa_present is moa]


def _format_section(circuit: Circuit, phase: Phase, *, moa: bool) -> str:
    title = f"{'Avec' if moa else 'Sans'} maîtrise d'ouvrage, {_PHASES[phase]}"
    table = _format_table(
        (
            "cadre",
            "pièce",
            "codes du portail",
            "ouvre un dossier",
            "déposée par",
            "validée d'abord par",
            "reçue par",
            "pour information",
            "suites",
            "ses montants prévalent",
            "source",
            "confiance",
        ),
        (
            (
                f"**{row.cadre}**",
                row.label,
                f"`{row.api_code}`<br>`{row.piece_type}`",
                _format_yes(row.is_opener),
                ROLES[row.depositor],
                ROLES[row.validator] if row.validator else "",
                ROLES[row.recipient],
                ", ".join(ROLES[role] for role in row.informed),
                "<br>".join(_format_followers(circuit, row)),
                "<br>".join(_format_amounts(circuit, row)),
                row.source,
                _CONFIDENCE[row.confidence],
            )
            for row in _list_rows(circuit, phase, moa=moa)
        ),
    )
    return f"## {title}\n\n```mermaid\n{draw_circuit(circuit, phase, moa=moa)}\n```\n\n{table}"


def _format_followers(circuit: Circuit, row: Row) -> Iterator[str]:
    if row.followers:
        yield " ".join(row.followers)
    if row.followers_if_contested:
        yield f"contestée : {' '.join(row.followers_if_contested)}"
    if late := circuit.list_replacing_rows(row):
        yield f"en retard : {' '.join(each.cadre for each in late)}"
    if row.tacit_followers:
        yield f"sans réponse : {' '.join(row.tacit_followers)}"
    if row.is_final:
        yield "aucune"


def _format_amounts(circuit: Circuit, row: Row) -> Iterator[str]:
    yield _format_yes(row.amounts_prevail)
    same = (each for each in circuit.rows if each.moa_present is row.moa_present)
    if carried := [each.cadre for each in same if must_carry_amounts(row, each)]:
        yield f"reprend ceux de : {' '.join(carried)}"


def _format_moa_parameter() -> str:
    table = _format_table(
        (
            "maîtrise d'ouvrage nommée",
            "son paramètre",
            "paramètre du service financier",
            "ce qui s'ensuit",
            "structure en cause",
        ),
        map(_format_case, CASES),
    )
    return (
        "## Paramètre « maîtrise d'ouvrage »\n"
        "Ce que déclarent les structures décide du circuit d'un dossier, à son dépôt puis à chaque "
        "étape. La première ligne qui convient l'emporte ; une maîtrise d'ouvrage qui paie "
        "elle-même est lue une fois, comme service financier. Un dossier en chemin attend la "
        "structure en cause. Les lignes viennent du webinaire maîtrise d'ouvrage, 13:36 à 17:13 "
        "et 27:19 à 28:46 ; la dernière est une règle de la plateforme, que l'exploitant peut "
        f"lever : le dossier prend alors {_OUTCOMES[Outcome.WITHOUT_MOA]}.\n\n{table}"
    )


def _format_case(case: Case) -> Sequence[str]:
    verdict = case.verdict
    if isinstance(verdict, Outcome):
        outcome = (_OUTCOMES[verdict], "")
    else:
        outcome = (f"refus `{verdict.rule.code}`", ROLES[verdict.at_fault])
    return (
        _join_known(_RELATIONS, case.relations),
        _join_known(_PARAMETERS, case.moa),
        _join_known(_PARAMETERS, case.service_financier),
        *outcome,
    )


def _join_known(labels: Mapping[T, str], values: Collection[T | None]) -> str:
    """Join the labels of `values`; "indifférent" when no other value exists."""
    found = [label for value, label in labels.items() if value in values]
    return "indifférent" if len(found) == len(labels) else " ou ".join(found)


def _format_delays(circuit: Circuit) -> str:
    table = _format_table(
        ("délai", "pièces", "qui", "jours", "à partir de", "ce qui s'ensuit", "source"),
        (
            (
                each.label,
                _format_cadres(each.cadres),
                ROLES[each.role],
                str(each.days),
                _STARTS[each.start],
                _EFFECTS[each.effect],
                each.source,
            )
            for each in circuit.delays
        ),
    )
    counted = (
        "Jours calendaires, comptés à Paris à partir du lendemain et jusqu'à la fin du dernier "
        "(règle de la plateforme). Une pièce acceptée par le silence prend le statut "
        f"`{CONCLUDED}`, le portail n'en ayant pas d'autre pour elle ; qui peut alors déposer "
        "la suite se lit dans les lignes. Une pièce certifiée avant la fin du délai le respecte, "
        "même si elle parvient plus tard au dossier, tant que personne n'a agi sur le silence "
        "(règle de la plateforme)."
    )
    return f"## Délais\n{counted}\n\n{table}"


def _format_statuses() -> str:
    grouped: dict[Transition, list[Role]] = {}
    for each in TRANSITIONS:
        # Roles with the same acts share a line.
        grouped.setdefault(replace(each, role=TRANSITIONS[0].role), []).append(each.role)
    acts = _format_table(
        ("acte", "par", "sur une pièce", "qui devient", "attendu ensuite", "avec"),
        (
            (
                _ACTS[each.act],
                ", ".join(ROLES[role] for role in roles),
                " ".join(f"`{status}`" for status in Status if status in each.sources),
                f"`{each.target}`",
                _AWAITED[each.awaited],
                _REASONS[each.reason],
            )
            for each, roles in grouped.items()
        ),
    )
    arrivals = ", ".join(f"{ROLES[role]} `{status}`" for role, status in ENTRY.items())
    validated = " ou ".join(f"`{each}`" for each in Status if each in VALIDATED)
    met = {status for each in TRANSITIONS for status in (each.target, *each.sources)}
    met |= {*ENTRY.values(), *VALIDATED, Status.DEPOSEE}
    words = _format_table(
        ("statut", "libellé", "final"),
        (
            (f"`{each}`", STATUSES[each], _format_yes(each in FINAL))
            for each in Status
            if each in met
        ),
    )
    return (
        "## Actes et statuts\n"
        "Les codes sont ceux du portail, `CONTESTEE` excepté ; ce qui mène de l'un à l'autre est "
        "une règle de la plateforme, faute de table officielle.\n\n"
        f"Une pièce déposée (`{Status.DEPOSEE}`) se présente à son destinataire : {arrivals}. "
        f"Celle qui a un valideur se présente d'abord à lui, `{Status.A_VALIDER_1}`, et en sort "
        f"{validated}. Nul ne juge la pièce qu'il a déposée ; une pièce que le silence fait "
        "accepter ne peut être ni suspendue ni renvoyée à recycler, ce qui ferait repartir son "
        f"délai (règle de la plateforme, pour CCAG Travaux 2021, 12.4.4).\n\n{acts}\n{words}"
    )


def _format_motives() -> str:
    # Read from the file: the loaded table lacks motives that have ended or are to come.
    with _MOTIVES.open(encoding="utf-8", newline="") as lines:
        table = _format_table(
            ("code", "motif", "du", "au", "pièces", "complément", "s'il bloque", "source"),
            (
                (
                    f"`{each['code']}`",
                    each["libelle"],
                    each["valide_du"],
                    each["valide_au"],
                    each["cadres"],
                    "obligatoire" if each["complement_obligatoire"] == "oui" else "",
                    each["reponse_si_bloque"],
                    each["source"],
                )
                for each in csv.DictReader(lines, delimiter=";", strict=True)
            ),
        )
    return f"## Motifs de refus\n\n{table}"


def _format_document_types() -> str:
    table = _format_table(
        ("code", "type", "avoir", "admis", "à la place", "pourquoi", "source"),
        (
            (
                f"`{each.code}`",
                each.label,
                _format_yes(is_credit_note(each.code)),
                _format_yes(each.is_admitted),
                f"`{each.instead}`" if each.instead else "",
                each.reason,
                each.source,
            )
            for each in list_document_types()
        ),
    )
    return (
        "## Types de document\n"
        "Le type d'une pièce (BT-3, UNTDID 1001), et si le dépôt l'admet. Les types admis sont "
        "ceux du portail : la facturation de travaux reste en dehors de celle entre entreprises, "
        "que règle XP Z12-012 (AIFE, KB b436366c). Un type absent de la table n'est pas admis. "
        "Les montants d'un avoir se retranchent, quel que soit leur signe.\n\n"
        f"{table}"
    )


def _format_cadres(cadres: Iterable[str]) -> str:
    return " ".join(sorted(cadres, key=lambda cadre: (len(cadre), cadre)))


def _format_yes(is_so: bool) -> str:
    return "oui" if is_so else ""


def _format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_escape, line))} |\n" for line in lines)


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
