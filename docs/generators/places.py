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
_STORED = (
    "[a default, an example, its level](../CONTRIBUTING.md#what-the-version-before-cannot-judge)"
)
_HASH = "`make docs`; the hash of `circuit.json`: [step 8](../CONTRIBUTING.md#adding-a-cadre)"
_GATEWAY = "deploy/gateway/Caddyfile"
_SETTINGS = "shared/runtime/settings.py"


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
        (
            (f"{_CIRCUIT}/delais.csv", "jours"),
            ("shared/circuit/delays.py", "Effect"),
            ("services/routing/domain/delays.py", "decide_elapsed_delay"),
        ),
        "[a new version](../CONTRIBUTING.md#adding-a-delay)",
    ),
    Place(
        "who may do what to a piece in which status",
        (("shared/circuit/tables/statuts.csv", "acte"), ("shared/circuit/statuses.py", "Act")),
        "[an act](../CONTRIBUTING.md#adding-an-act-on-a-piece)",
    ),
    Place("the label of a status", (("shared/vocabulary/labels.py", "STATUSES"),), _HASH),
    Place(
        "the MOA parameter of a structure: which pieces are refused or held by it",
        (
            ("shared/circuit/moa.py", "CASES"),
            ("services/organisation/structures/domain/structure.py", "Parameters.moa"),
            ("services/organisation/structures/domain/judgement.py", "_judge_private"),
            ("services/organisation/structures/entrypoints/http.py", "_Parameters.moa"),
            ("shared/contracts/organisation_v1.py", "ParametersV1"),
            ("shared/circuit/rules.py", "MOA_TAKES_NO_PART"),
            ("shared/circuit/hop.py", "judge_hop"),
            ("services/deposit/domain/openers.py", "_judge_moa_parameter"),
            ("services/deposit/domain/next_pieces.py", "judge_next"),
            ("shared/circuit/turns.py", "judge_turn"),
            ("services/support/data/articles/parametre-moa.md", "CIR-MOA-01"),
        ),
        "which combination, and which structure is at fault; what holds where none is set (in the "
        "structure, where it must suit private ones, the request and the event: another default is "
        "a new major version); the sentences; when a dossier waits "
        "for it; where deposit judges an opener by it; where a next piece is not judged by it; "
        "what its depositor is told while the dossier is held; the refusals as the virtual agent "
        "tells them; `make docs`. Who receives a piece: first row",
    ),
    Place(
        "which statuses a role may see",
        (("shared/circuit/visibility.py", "is_visible_to"),),
    ),
    Place(
        "a motive of refusal",
        (("shared/circuit/tables/motifs-de-refus.csv", "libelle"),),
        f"with its dates; {_HASH}",
    ),
    Place(
        "which types of document a deposit may have",
        (
            ("shared/circuit/tables/types-de-document.csv", "admis"),
            ("shared/vocabulary/codes.py", "CREDIT_NOTES"),
        ),
        "the second: whose amounts are deducted; `make docs`",
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
        (
            ("shared/circuit/rules.py", "CADRE_UNKNOWN"),
            ("services/deposit/domain/rules.py", ""),
            ("services/deposit/domain/invoice.py", ""),
            ("services/routing/domain/rules.py", ""),
            ("services/organisation/accounts/domain/rules.py", ""),
        ),
        "search its code: `CIR-` is in the first, `DEP-` in modules of `services/deposit`, the "
        "others in `domain/rules.py` of their service, or of a package of it; "
        "`make docs contracts`",
    ),
    Place(
        "a code that is no rule: `HTTP-FORM-01`",
        (
            ("shared/runtime/web/problems.py", "build_form_violation"),
            ("shared/runtime/web/access_problems.py", "_FAULTS"),
            ("docs/generators/rules.py", "PROBLEM_CODES"),
        ),
        "search its code; the second: `HTTP-JETON-…` of a token, then "
        "[sign-in](sign-in.md#what-a-refusal-means), and `HTTP-DROIT-…` of a right; "
        "`make docs contracts`",
    ),
    Place(
        "the sentence or the title of a 404",
        (
            ("shared/runtime/web/problems.py", "build_not_found"),
            ("shared/runtime/web/problems.py", "_TITLES"),
            ("shared/runtime/web/problems.py", "_DETAILS"),
            (_GATEWAY, "import problem 404"),
        ),
        "of what does not exist, which each route names with its id: search `build_not_found(` and "
        "`_add_routes(` (a dossier is named by routing, notification and portal, each for "
        "itself); the title, which is the "
        "sentence of an unknown path of a service unless `_DETAILS` has one; of a path of no "
        "service, then `python -m deploy.gateway`",
    ),
    Place(
        "a refusal that may only be early: `Retry-After`, and its sentence",
        (
            ("shared/vocabulary/rules.py", "Rule.can_be_early"),
            ("shared/vocabulary/rules.py", "RETRY"),
            ("shared/circuit/turns.py", "mark_early"),
            ("shared/runtime/web/problems.py", "build_not_found"),
            ("shared/runtime/web/problems.py", "RETRY_AFTER_S"),
        ),
        "by a rule: `can_be_early=True` where it is, and `PUBLISHED` of "
        "`tests/unit/shared/test_early_refusals.py`; a 404: the argument of that name; "
        "`make docs`",
    ),
    Place(
        "the form of every error over HTTP",
        (("shared/runtime/web/problems.py", "respond"), (_GATEWAY, "(problem)")),
        "the second: `python -m deploy.gateway`",
    ),
    Place(
        "what a route needs of its caller, and who is let in",
        (
            ("shared/rights/rights.csv", "service;methode;chemin;besoin"),
            ("shared/rights/decide.py", "decide"),
            ("shared/runtime/web/access.py", "AccessMiddleware"),
            ("services/support/access/entrypoints/authentication.py", "read_agent"),
        ),
        "each route has its row, or the service does not start; a need of a new kind is in "
        "`shared/rights/needs.py`; by hand: `tests/authz/expected.csv`; `make docs`",
    ),
    Place(
        "an application, of which people have the right",
        (("shared/rights/applications.csv", "domaine;libelle_domaine"),),
        "by hand: `tests/unit/rights/test_table.py`, and the lists of `tests/unit/organisation`; "
        "the application of a role of works: `find_application_of_role` beside it; `make docs`",
    ),
    Place(
        "the habilitations that an attachment has by default, and who decides for a structure",
        (
            ("services/organisation/accounts/domain/habilitations.py", "build_defaults"),
            ("services/organisation/accounts/domain/accounts.py", "Attachment.can_decide"),
            ("services/organisation/accounts/domain/requests.py", "ask_habilitations"),
            ("services/organisation/accounts/domain/attachments.py", "judge_approval"),
        ),
        "what is given where nothing is chosen; who decides; who has at once what they ask for; "
        "who names managers; [integrate](integrate.md#invite-a-colleague)",
    ),
    Place(
        "a trusted issuer: what an operator may set of it, and how its tokens are verified",
        (
            ("shared/runtime/tokens/issuers.py", "Issuer"),
            ("shared/runtime/tokens/verifier.py", "TokenVerifier"),
            ("shared/runtime/tokens/key_sets.py", ""),
            ("deploy/local/platform.py", "Platform.issuers"),
        ),
        "its fields, which are the table of [sign-in](sign-in.md#connect-an-issuer); the checks of "
        "a token; keys and their time; those of `make up`",
    ),
    Place(
        "a limit on accounts, invitations, mandates, programs and their secrets",
        (
            ("services/organisation/settings.py", "Settings.invitations_a_day"),
            ("services/organisation/accounts/domain/accounts.py", "ATTACHMENTS_LIMIT"),
            ("services/organisation/accounts/domain/accounts.py", "HABILITATIONS_LIMIT"),
            ("services/organisation/accounts/domain/claims.py", "CLAIMS_LIMIT"),
            ("services/organisation/machines/domain/machines.py", "SECRETS_LIMIT"),
            ("services/organisation/mandates/domain/mandates.py", "MANDATES_LIMIT"),
            ("services/organisation/mandates/domain/mandates.py", "CONTRACTS_LIMIT"),
        ),
        "the settings an operator chooses, and reminders with them; the others are fixed; "
        "[operate](operate.md#accounts-and-roles-of-the-platform)",
    ),
    Place(
        "the timeouts of a body that comes too slowly, and its lowest rate",
        (
            (_SETTINGS, "RuntimeSettings.body_timeout_s"),
            (_SETTINGS, "RuntimeSettings.body_timeout_open_s"),
            (_SETTINGS, "RuntimeSettings.body_grace_s"),
            (_SETTINGS, "RuntimeSettings.slowest_kb_s"),
            ("shared/runtime/web/body_limits.py", "BodyLimit"),
        ),
        "the whole body with an account, without one; how long nothing may come; the rate after "
        "that, which holds for answers too; what happens; [operate](operate.md)",
    ),
    Place(
        "how long a service that stops waits for work in flight",
        (
            ("shared/runtime/web/server.py", "STOP_S"),
            ("shared/runtime/messaging/broker.py", "STOP_S"),
            ("shared/runtime/messaging/outbox.py", "STOP_S"),
            ("shared/runtime/jobs/worker.py", "STOP_S"),
            ("shared/runtime/tracing/exporter.py", "STOP_S"),
            ("deploy/local/processes.py", "GRACE_S"),
            ("deploy/compose/compose.yaml", "stop_grace_period"),
            ("deploy/k8s/service/stateful-set.yaml", "terminationGracePeriodSeconds"),
        ),
        "the first five, one after the other, below the last three, which are alike; "
        "`python -m deploy.render`",
    ),
    Place(
        "a limit of connections",
        (
            (_SETTINGS, "RuntimeSettings.connections"),
            ("shared/runtime/web/connection_registry.py", "ConnectionLimits"),
            ("shared/runtime/web/request_limit.py", "RequestLimit"),
        ),
        "the last counts requests of one client behind a proxy; its row in [operate](operate.md)",
    ),
    Place(
        "the upload limit of a form with files",
        (
            ("shared/vocabulary/attachments.py", "SIZE_LIMIT"),
            ("services/deposit/domain/attachments.py", "_RULES"),
            ("services/support/tickets/domain/validation.py", "ATTACHMENT_RULES"),
            ("services/deposit/bootstrap.py", "_BODY_LIMIT_MB"),
            ("services/support/bootstrap.py", "_BODY_LIMIT_MB"),
            ("services/support/bootstrap.py", "_OPEN_BODY_LIMIT_MB"),
            ("services/organisation/bootstrap.py", "_FORM_LIMIT_MB"),
            (_SETTINGS, "RuntimeSettings.uploads_mb"),
            (_SETTINGS, "RuntimeSettings.uploads_open_mb"),
            ("deploy/compose/compose.yaml", "AIGUILLAGE_UPLOADS_MB"),
        ),
        "one attachment; all those of a piece and of a ticket, over which they are refused; "
        "of one whole form, above these; the others of all forms together; [operate](operate.md)",
    ),
    Place(
        "a rate limit",
        (
            ("services/support/settings.py", "Settings.open_per_address"),
            ("services/support/access/adapters/rate_limits.py", "HourlyRates"),
            ("services/organisation/settings.py", "Settings.token_failures"),
            ("services/organisation/machines/adapters/failures.py", "MongoFailures"),
        ),
        "of support, each a setting; of wrong secrets of a program; [operate](operate.md)",
    ),
    Place(
        "the public prefix and version of a service's routes (OpenAPI too)",
        (
            ("shared/contracts/public_paths.py", "build_public_prefix"),
            (_GATEWAY, "path /{args[0]}/v1/*"),
            ("deploy/k8s/overlays/example/ingress.yaml", "path: /deposit/v1"),
        ),
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
            ("shared/contracts/deposit_v1.py", "PieceDeposited"),
            ("services/deposit/domain/piece.py", "Draft"),
            ("services/deposit/domain/judgement.py", "_build_draft"),
            ("services/deposit/entrypoints/requests.py", "MetadataRequest"),
            ("services/deposit/application/messages.py", "build_deposit_message"),
            ("services/routing/application/commands.py", "read_command"),
            ("services/routing/application/journey.py", "Enclosure"),
            ("shared/contracts/routing_v1.py", "PieceForwarded"),
            ("shared/contracts/routing_v1.py", "PieceStateV1"),
            ("services/routing/application/messages.py", "build_messages"),
            ("services/portal/application/piece_states.py", "read_pieces"),
            ("services/notification/statuses/application/history.py", "build_entry"),
            ("services/notification/statuses/adapters/mongo.py", "_to_document"),
            ("services/notification/statuses/entrypoints/answers.py", "HistoryEntryAnswer"),
            ("services/routing/application/expected_copies.py", "ExpectedDossier"),
            ("tests/contracts/golden", ""),
        ),
        "the module of its owner; who fills it, in `domain` and `application` of the owner (a "
        "default in `Draft` hides that nobody does), from what the depositor states in the request "
        "or the e-invoice; who reads it, named in `TOPICS`: of the deposited event, routing keeps "
        "in `Deposit` (`read_command`) what it decides by and in `Enclosure` what it hands on; the "
        "portal reads `PieceStateV1`, notification keeps of a status what `build_entry` hands on "
        "(a default in `Entry` hides that nobody does), stores it and shows it; what `verify` "
        "expects of each copy; a new example. A field that is stored or kept by its reader: "
        f"{_STORED}. {_CONTRACT}",
    ),
    Place(
        "a topic: its readers, key, partitions, retention",
        (("shared/contracts/topics.py", "TOPICS"),),
        "key and partitions: a new major version; `make docs`. `python -m deploy.topics` leaves "
        "topics that exist as they are",
    ),
    Place(
        "a read model: what is projected of a topic, and rebuilt from it",
        (
            ("services/portal/bootstrap.py", "build"),
            ("shared/runtime/messaging/projection.py", "ProjectionConfig"),
            ("shared/runtime/messaging/rebuild.py", "Rebuild"),
        ),
        "each collection that the handler writes is named in `ProjectionConfig`; its row in "
        "[operate](operate.md#rebuild-a-read-model)",
    ),
    Place(
        "the retries of a message before it is a dead letter",
        (("shared/runtime/messaging/isolation.py", "_ATTEMPTS_ALONE"),),
        "counted once it is alone: its batch and halves of it are tried before. Faults of the "
        "world are retried for ever: `shared/runtime/backoff.py`; no page quotes the count",
    ),
    Place(
        "a command of an operator: dead letters, failing jobs, unpublished messages",
        (
            ("shared/runtime/messaging/dead_letters.py", ""),
            ("shared/runtime/jobs/failing.py", ""),
            ("shared/runtime/messaging/unpublished.py", ""),
        ),
        "one of a service alone: `commands` or `__main__` of its service; its sentence in "
        "[operate](operate.md)",
    ),
    Place(
        "a setting",
        ((_SETTINGS, "RuntimeSettings"), ("services/support/settings.py", "Settings")),
        "of every service, or of its own alone; `bootstrap` reads it; compose and the manifests of "
        "its service where containers need another value; [operate](operate.md)",
    ),
    Place(
        "a broker, clock or store of a test that fails, freezes or repeats",
        (
            ("tests/kit/outbox.py", "FakeBroker"),
            ("tests/integration/runtime/replica.py", "FreezingBroker"),
            ("tests/unit/shared/test_runtime_outcomes.py", "histories"),
        ),
        "a broker that refuses a message; one that freezes, on the real Kafka; every order in "
        "which messages come again. Integration tests use the real broker and store",
    ),
    Place(
        "the relay of the outbox: its lease, pages, lanes and producer",
        (
            ("shared/runtime/store/lease.py", "_LEASE_S"),
            ("shared/runtime/store/outbox_documents.py", "pack_messages"),
            ("shared/runtime/messaging/outbox.py", "Relay"),
            ("shared/runtime/messaging/lane.py", "Lane"),
            ("shared/runtime/messaging/producer.py", "Producer"),
        ),
        "a lease is renewed at half of it, and a turn of the relay waits up to `_POLL_S`: over 1 s",
    ),
    Place(
        "work that one of the replicas does: when due, periodically, or outside the store",
        (
            ("shared/runtime/jobs/kinds.py", "InTransaction"),
            ("shared/runtime/jobs/kinds.py", "Effect"),
            ("shared/runtime/jobs/kinds.py", "build_periodic"),
            ("services/routing/entrypoints/jobs.py", "build_delays_work"),
        ),
        "`run_jobs` in `bootstrap` of its service; for what each replica does by itself, "
        "`run_every`",
    ),
    Place(
        "the retries of a job that fails, and the lease of a claimed one",
        (
            ("shared/runtime/backoff.py", "compute_backoff"),
            ("shared/runtime/jobs/kinds.py", "InTransaction"),
        ),
    ),
    Place(
        "an index of a service's collections",
        (
            ("services/routing/adapters/dossiers.py", "create_indexes"),
            ("services/portal/adapters/queries.py", "INDEXES"),
        ),
        "`adapters` of its service, mostly `prepare`. Nothing drops one from stores that exist, "
        "and the same keys with other options are refused there at start: it needs other "
        "keys, or the operator's `dropIndex` in the notes of the release",
    ),
    Place(
        "the memory and time bounds of a PDF or XML reader",
        (
            ("services/deposit/settings.py", "Settings.reader_memory_mb"),
            ("services/deposit/settings.py", "Settings.reader_cpu_s"),
            ("services/deposit/settings.py", "Settings.reader_wall_s"),
            ("deploy/compose/compose.yaml", "AIGUILLAGE_READER_MEMORY_MB"),
            ("deploy/k8s/services/deposit/memory.yaml", "AIGUILLAGE_READER_MEMORY_MB"),
        ),
        "in containers the last two decide on memory, beside the memory limit of the container; "
        "`python -m deploy.render`; [operate](operate.md)",
    ),
    Place(
        "the size limit of a deposited e-invoice",
        (
            ("services/deposit/adapters/einvoice/limits.py", "Limits"),
            ("services/deposit/application/deposits.py", "_FILE_LIMIT"),
            ("services/deposit/adapters/einvoice/pdf_invoice.py", "_STREAM_BYTES"),
            ("services/deposit/domain/unreadable.py", "TOO_LARGE"),
            ("services/portal/settings.py", "Settings.export_file_mb"),
            ("services/support/data/articles/formats-de-fichier.md", "20 Mo"),
        ),
        "by kind of file; of any file, refused before it is read: the largest of them; of one "
        "stream of a PDF once unpacked: above the embedded invoice; both quoted by the source of "
        "the rule and by the article; the largest file of an export, as much; `make docs`",
    ),
    Place(
        "the certificate of a deposit",
        (
            ("services/deposit/adapters/certificates.py", "certify"),
            ("services/deposit/adapters/certificate_pdf.py", "render_certificate"),
        ),
        "what it says, how it looks",
    ),
    Place(
        "a criterion of the portal's search",
        (
            ("services/portal/domain/criteria.py", "Criteria"),
            ("services/portal/adapters/queries.py", "build_search"),
            ("services/portal/adapters/queries.py", "INDEXES"),
            ("services/portal/entrypoints/requests.py", "SearchQuery"),
        ),
        "`make docs contracts`",
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
        "[what else](../CONTRIBUTING.md#changing-support); [operate](operate.md)",
    ),
    Place(
        "the first-frame timeout of the chat",
        (("services/support/bootstrap.py", "_FIRST_FRAME_S"),),
        "its sentence in [integrate](integrate.md#talk-with-a-person)",
    ),
    Place(
        "a category of tickets, an article of the virtual agent",
        (
            ("services/support/data/catalogue.csv", ""),
            ("services/support/data/exemples", ""),
            ("services/support/data/articles", ""),
        ),
        "[what else](../CONTRIBUTING.md#changing-support); [operate](operate.md)",
    ),
    Place(
        "what the virtual agent answers, and what it declines",
        (
            ("services/support/data/articles", ""),
            ("services/support/data/synonymes.csv", ""),
            ("services/support/data/notions.csv", ""),
            ("services/support/data/hors-sujet.txt", ""),
            ("services/support/data/ailleurs.txt", ""),
            ("services/support/agent/domain/search_hits.py", "_LOW_SCORE"),
        ),
        "the questions under a heading; what words stand for others, or for one notion; "
        "questions about something else; the score that is needed: "
        "[an article](../CONTRIBUTING.md#changing-support)",
    ),
    Place(
        "what the virtual agent says when it is not sure, and how it hands over to a person",
        (
            ("services/support/agent/domain/sentences.py", "UNSURE"),
            ("services/support/agent/application/virtual_agent.py", "VirtualAgent"),
            ("services/support/agent/domain/intents.py", "_WANTS_PERSON"),
            ("services/support/agent/domain/conversation.py", "KINDS_OFFERING_HELP"),
            ("services/support/desks/domain/opening.py", "describe_closing"),
        ),
        "what it says; when; who asks for a person; which kinds of answers offer one and a ticket, "
        "listed in [integrate](integrate.md#the-virtual-agent); when people answer",
    ),
    Place(
        "a mail: its text, when it is given up, the mail server",
        (
            ("services/organisation/data", ""),
            ("services/notification/subscriptions/data", ""),
            ("services/notification/subscriptions/application/mails.py", "build_statuses"),
            ("shared/application/mail_templates.py", "MailTemplates"),
            ("shared/runtime/mail/queue.py", "MailQueue"),
            ("shared/runtime/mail/smtp.py", "SmtpServer"),
            ("shared/runtime/mail/settings.py", "MailSettings.smtp_host"),
        ),
        "a new text: its file, and what is expected of it in the `test_mails.py` of its service; "
        "who writes to people: queues it in the transaction that decides; which "
        "reply is a refusal; [operate](operate.md#when-mails-wait)",
    ),
    Place(
        "a webhook: where it may go, how it is sent, signed, and its secrets kept",
        (
            ("services/notification/pushes/domain/targets.py", "TargetRules"),
            ("services/notification/pushes/adapters/network.py", "JudgedNetwork"),
            ("services/notification/pushes/adapters/webhooks.py", "WebhookSender"),
            ("services/notification/subscriptions/adapters/secrets.py", "SecretBox"),
        ),
        "another port: the policy `aiguillage-to-webhooks` too; another answer of a receiver: a "
        "behaviour of `tests/kit/webhook_receiver.py`",
    ),
    Place(
        "a fact that is logged, its fields",
        (
            ("shared/contracts/facts.py", "FACTS"),
            ("shared/runtime/facts/log.py", "FactLog"),
        ),
        "its row in [operate](operate.md#follow-a-dossier)",
    ),
    Place(
        "a span of a dossier's trace, and the export over OTLP",
        (
            ("shared/runtime/facts/fact_spans.py", "record_transaction"),
            ("shared/runtime/tracing/exporter.py", "OtlpExporter"),
        ),
    ),
    Place(
        "a metric",
        (("shared/runtime/metrics.py", "DEAD_LETTERS"), ("deploy/watch/rules.yml", "DeadLetters")),
        "one of a service alone: where it is counted. Its alert, and a panel in "
        "`deploy/watch/grafana`",
    ),
    Place(
        "an alert",
        (("deploy/watch/rules.yml", "alert"), ("deploy/watch/rules_test.yml", "alert")),
        "a line in [operate](operate.md)",
    ),
    Place(
        "a Kubernetes manifest",
        (("deploy/k8s/service/stateful-set.yaml", ""), ("deploy/k8s/services", "")),
        "of all services, of one; `python -m deploy.render`",
    ),
    Place(
        "the start and restart of a local service",
        (
            ("deploy/local/supervisor.py", "FIRST_DELAY_S"),
            ("deploy/local/supervisor.py", "LONGEST_DELAY_S"),
            ("deploy/local/supervisor.py", "_STEADY_S"),
            ("deploy/local/supervisor.py", "Supervisor"),
            ("deploy/local/platform.py", "Platform.spawn"),
        ),
        "how long it waits first, at most, how long it must run to wait as at first again; its "
        "sentence in [operate](operate.md#running-it-on-one-machine). `Platform.restart` is for "
        "tests and demos",
    ),
    Place(
        "a page that `make docs` writes",
        (
            ("docs/generators/__main__.py", "generate_documents"),
            ("docs/generators/rules.py", "render_rules"),
            ("docs/generators/circuit.py", "render_circuit"),
            ("docs/generators/topics.py", "render_topics"),
            ("docs/generators/architecture.py", "render_architecture"),
            ("docs/generators/places.py", "PLACES"),
            ("docs/generators/openapi.py", "build_openapi"),
            ("docs/generators/asyncapi.py", "build_asyncapi"),
        ),
        "one generator for each page, this table apart. What a rule says: its row above",
    ),
    Place(
        "what breaks a released contract",
        (
            ("tests/contracts/comparison/schemas.py", "compare_schemas"),
            ("tests/contracts/comparison/openapi.py", "compare"),
            ("tests/contracts/comparison/asyncapi.py", "compare"),
        ),
        "plant it in `tests/contracts`",
    ),
    Place("who may import whom", (("pyproject.toml", "tool.importlinter"),), "`make docs`"),
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
