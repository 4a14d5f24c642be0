"""Table "to change X, open Y", and the check that every file and symbol named in it exists."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.circuit.loader import CURRENT

ROOT = Path(__file__).parents[2]
_CIRCUIT = f"shared/circuit/tables/{CURRENT}"
_CADRE = "[a new version](../CONTRIBUTING.md#adding-a-cadre): one that was in use is never edited"
_CONTRACT = "[what may change](../CONTRIBUTING.md#changing-a-contract), `make docs contracts`"


@dataclass(frozen=True, slots=True)
class Place:
    """Place of a change: the files to open, a symbol of each, and the next steps."""

    change: str
    open: tuple[tuple[str, str], ...]
    then: str = ""


PLACES = (
    Place(
        "whom a cadre goes to, what may follow it",
        ((f"{_CIRCUIT}/cadres.csv", "destinataire"),),
        _CADRE,
    ),
    Place(
        "a delay, and what follows from silence",
        ((f"{_CIRCUIT}/delais.csv", "jours"), ("shared/circuit/delays.py", "Effect")),
        "[a new version](../CONTRIBUTING.md#adding-a-delay)",
    ),
    Place(
        "who may do what to a piece in which status",
        (("shared/circuit/tables/statuts.csv", "acte"), ("shared/circuit/statuses.py", "Act")),
        "[an act](../CONTRIBUTING.md#adding-an-act-on-a-piece)",
    ),
    Place("the label of a status", (("shared/vocabulary/labels.py", "STATUSES"),), "`make docs`"),
    Place(
        "the MOA parameter: when a MOA must be named, or must not",
        (("shared/circuit/moa.py", "judge_parties"),),
        "`make docs`",
    ),
    Place(
        "which statuses a role may see",
        (("shared/circuit/visibility.py", "visible_to"),),
    ),
    Place(
        "a motive of refusal",
        (("shared/circuit/tables/motifs-de-refus.csv", "libelle"),),
        "with its dates; `make docs`",
    ),
    Place(
        "what a deposit is refused for",
        (
            ("services/deposit/domain/judgement.py", "judge"),
            ("services/deposit/domain/rules.py", ""),
        ),
        "a new code: next row",
    ),
    Place(
        "a rule and its code, sentence and remedy",
        (("shared/vocabulary/rules.py", "Rule"), ("services/routing/domain/rules.py", "")),
        "`domain/rules.py` of its service, with the service's prefix; `make docs contracts`",
    ),
    Place(
        "the sentence or the title of a 404",
        (
            ("shared/runtime/web/problems.py", "not_found"),
            ("shared/runtime/web/problems.py", "_TITLES"),
        ),
    ),
    Place(
        "the form of every error over HTTP",
        (("shared/runtime/web/problems.py", "respond"),),
    ),
    Place(
        "the authentication of a caller",
        (("shared/runtime/web/caller.py", "authenticate"),),
    ),
    Place(
        "the body timeout of HTTP, and the limits of connections",
        (
            ("shared/runtime/settings.py", "RuntimeSettings.body_timeout_s"),
            ("shared/runtime/web/body_limits.py", "BodyLimits"),
        ),
        "settings: [operate](operate.md)",
    ),
    Place(
        "the upload limit of a form with files",
        (
            ("services/deposit/bootstrap.py", "_BODY_LIMIT_MB"),
            ("shared/runtime/settings.py", "RuntimeSettings.uploads_mb"),
        ),
        "the first of one request, the second of all together",
    ),
    Place(
        "a rate limit",
        (
            ("services/support/settings.py", "Settings.open_per_address"),
            ("services/support/desks/adapters/rate_limits.py", "HourlyRates"),
        ),
        "support alone has some",
    ),
    Place(
        "the public prefix and version of a service's routes (OpenAPI too)",
        (("shared/contracts/public_paths.py", "public_prefix"),),
        "a new version beside the old one",
    ),
    Place(
        "a route, its OpenAPI entry",
        (("services/routing/entrypoints/http/dossiers.py", ""),),
        f"`entrypoints` of its service; {_CONTRACT}",
    ),
    Place(
        "a field of an event",
        (
            ("shared/contracts/routing_v1.py", "PieceForwarded"),
            ("shared/contracts/deposit_v1.py", "PieceDeposited"),
            ("tests/contracts/golden", ""),
        ),
        f"the module of its owner; {_CONTRACT}",
    ),
    Place(
        "a topic: its readers, key, partitions, retention",
        (("shared/contracts/topics.py", "TOPICS"),),
        "key and partitions: a new major version",
    ),
    Place(
        "the retries of a message before it is a dead letter",
        (("shared/runtime/messaging/isolation.py", "_ATTEMPTS"),),
        "faults of the world are retried for ever: `shared/runtime/backoff.py`",
    ),
    Place(
        "the lease of the relay of the outbox",
        (
            ("shared/runtime/store/lease.py", "_LEASE_S"),
            ("shared/runtime/messaging/outbox.py", "Relay"),
        ),
    ),
    Place(
        "an index of a service's collections",
        (("services/routing/adapters/archive.py", "create_indexes"),),
        "`adapters` of its service",
    ),
    Place(
        "the memory and time bounds of a PDF or XML reader",
        (
            ("services/deposit/settings.py", "Settings.reader_memory_mb"),
            ("services/deposit/adapters/einvoice/limits.py", "Limits"),
        ),
    ),
    Place("the certificate of a deposit", (("services/deposit/adapters/certificate_pdf.py", ""),)),
    Place(
        "a criterion of the portal's search",
        (
            ("services/portal/domain/criteria.py", "Criteria"),
            ("services/portal/adapters/queries.py", "build_search"),
            ("services/portal/entrypoints/http.py", ""),
        ),
        "its index is beside the query",
    ),
    Place(
        "what the export of a dossier holds",
        (
            ("services/portal/application/exports.py", "Exports"),
            ("services/portal/domain/export.py", "write_manifest"),
        ),
        "a new format, as its verifier rebuilds it: `services/portal/domain/verifier/verify.py`",
    ),
    Place(
        "opening hours of the desks",
        (
            ("services/support/desks/domain/hours.py", "OpeningHours"),
            ("services/support/settings.py", "Settings.desks_open_at"),
        ),
        "[what else](../CONTRIBUTING.md#changing-support)",
    ),
    Place(
        "the first-frame timeout of the chat",
        (("services/support/bootstrap.py", "_FIRST_FRAME_S"),),
    ),
    Place(
        "a category of tickets, an article of the virtual agent",
        (
            ("services/support/data/catalogue.csv", ""),
            ("services/support/data/articles", ""),
        ),
        "[what else](../CONTRIBUTING.md#changing-support)",
    ),
    Place("a webhook, an e-mail", (("services/notification", ""),), "there is none yet"),
    Place(
        "a metric",
        (("shared/runtime/metrics.py", "DEAD_LETTERS"), ("deploy/watch/rules.yml", "DeadLetters")),
        "its alert, and a panel in `deploy/watch/grafana`",
    ),
    Place(
        "an alert",
        (("deploy/watch/rules.yml", "alert"), ("deploy/watch/rules_test.yml", "alert")),
        "a line in [operate](operate.md)",
    ),
    Place(
        "a Kubernetes manifest",
        (("deploy/k8s/service/stateful-set.yaml", ""), ("deploy/render.py", "")),
        "render again what they come to",
    ),
    Place(
        "the start and restart of a local service",
        (
            ("deploy/local/supervisor.py", "Supervisor"),
            ("deploy/local/platform.py", "Platform"),
        ),
    ),
    Place(
        "a page that `make docs` writes",
        (
            ("docs/generators/__main__.py", "generate_documents"),
            ("docs/generators/rules.py", "render_rules"),
            ("docs/generators/circuit.py", "render_circuit"),
            ("docs/generators/topics.py", "render_topics"),
            ("docs/generators/architecture.py", "render_architecture"),
        ),
        "one generator for each page",
    ),
    Place(
        "what breaks a released contract",
        (("tests/contracts/comparison/schemas.py", "compare_schemas"),),
        "plant it in `tests/contracts`",
    ),
    Place("who may import whom", (("pyproject.toml", "tool.importlinter"),)),
)


def find_missing(place: Place, root: Path = ROOT) -> Iterator[str]:
    """Find the files and symbols of a place that are missing."""
    for path, symbol in place.open:
        found = root / path
        if not found.exists():
            yield path
        elif symbol and not _has_symbol(found, symbol):
            yield f"{path} {symbol}"


def _has_symbol(file: Path, symbol: str) -> bool:
    text = file.read_text(encoding="utf-8")
    return symbol in (_list_symbols(ast.parse(text)) if file.suffix == ".py" else text)


def _list_symbols(tree: ast.Module | ast.ClassDef, within: str = "") -> set[str]:
    """List the symbols that a module and its classes define."""
    found = set()
    for node in tree.body:
        match node:
            case ast.ClassDef():
                found |= {within + node.name, *_list_symbols(node, f"{within}{node.name}.")}
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(within + node.name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(within + name)
            case ast.Assign(targets=targets):
                found |= {within + each.id for each in targets if isinstance(each, ast.Name)}
    return found
