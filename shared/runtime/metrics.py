"""Prometheus metrics that every service exposes under /metrics."""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter(
    "aiguillage_messages_total",
    "Messages processed, by outcome",
    ["topic", "outcome"],
)
BATCH_SECONDS = Histogram(
    "aiguillage_batch_seconds",
    "Time from a batch of records to its committed transaction",
    ["topic"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
WAITS = Counter(
    "aiguillage_waits_total",
    "Retries while the store, the broker or another service was away",
    ["where"],
)
ODD_HEADERS = Counter(
    "aiguillage_odd_header_names_total",
    "Records with a header name that is not UTF-8",
    ["topic"],
)
POLL_AGE = Gauge(
    "aiguillage_poll_age_seconds",
    "Time since the last successful poll of a consumer; it grows when the consumer stalls",
    ["group"],
)
CONSUMER_LAG = Gauge(
    "aiguillage_consumer_lag",
    "Consumer lag: records of a member's partitions that it has not received yet",
    ["group", "topic"],
)
OUTBOX_DEPTH = Gauge(
    "aiguillage_outbox_depth", "Documents in the outbox, whose messages are not yet published"
)
OUTBOX_OLDEST = Gauge(
    "aiguillage_outbox_oldest_seconds",
    "Age of the oldest message in the outbox",
)
PUBLISHED = Counter("aiguillage_published_total", "Messages acknowledged by the broker", ["topic"])
REFUSED_KEYS = Gauge(
    "aiguillage_outbox_refused_keys",
    "Keys whose next message the broker refuses, and which wait for an operator",
)
DEAD_LETTERS = Gauge("aiguillage_dead_letters", "Messages that wait for an operator", ["topic"])
PARKED = Gauge(
    "aiguillage_parked_messages",
    "Messages parked behind a dead letter, a missing rank, or a message of another topic",
    ["topic"],
)
LEVELS = Gauge(
    "aiguillage_level",
    "Levels of this replica: the highest that it judges, and the one that it writes",
    ["of"],
)
NEWER_MESSAGES = Gauge(
    "aiguillage_newer_messages",
    "Messages of a higher level than their reader judges, which wait for a newer version of it",
    ["topic"],
)
NEWER_DOCUMENTS = Counter(
    "aiguillage_newer_documents_total",
    "Times that a document of a higher level than its reader judges was met: it waits",
    ["collection"],
)
SPANS_DROPPED = Counter(
    "aiguillage_spans_dropped_total",
    "Spans that were not exported: the queue was full, or the collector did not take them",
    ["reason"],
)
JOBS = Counter(
    "aiguillage_jobs_total",
    "Jobs carried out, or not, by what became of the attempt",
    ["kind", "outcome"],
)
JOBS_WAITING = Gauge(
    "aiguillage_jobs_waiting", "Jobs that are due, not claimed, and have not failed", ["kind"]
)
PUSH_ATTEMPTS = Counter(
    "aiguillage_pushes_total",
    "Attempts to push statuses to subscribers: delivered, failed, gone, held",
    ["channel", "outcome"],
)
SUBSCRIPTIONS = Gauge("aiguillage_subscriptions", "Subscriptions by their state", ["state"])
FEED_WAITING = Gauge(
    "aiguillage_feed_waiting",
    "Documents that no reader by a mark can see yet, up to 1,000",
    ["feed"],
)
JOBS_FAILING = Gauge("aiguillage_jobs_failing", "Jobs that have failed and are retried", ["kind"])
JOBS_POSTPONED = Gauge(
    "aiguillage_jobs_postponed",
    "Jobs that a transient error has postponed many times in a row",
    ["kind"],
)
JOBS_LATE = Gauge(
    "aiguillage_jobs_late_seconds",
    "For how long the job that has been due longest has waited",
    ["kind"],
)
FILES_DAMAGED = Counter(
    "aiguillage_files_damaged_total",
    "Times that the bytes of a stored file were missing, or did not match its SHA-256",
)
REQUESTS = Histogram(
    "aiguillage_http_request_seconds",
    "Time to answer a request",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ACCESS_REFUSED = Counter(
    "aiguillage_access_refused_total",
    "Requests, WebSockets and live streams refused or ended by access control, by its code",
    ["code"],
)
CONNECTIONS = Gauge("aiguillage_connections_open", "Connections that are open")
CONNECTIONS_CUT = Counter(
    "aiguillage_connections_cut_total",
    "Connections and requests refused or closed by a limit, by limit",
    ["reason"],
)
REQUESTS_REFUSED = Counter(
    "aiguillage_requests_refused_total",
    "Requests refused because their caller had used up its limit, by kind of caller",
    ["caller"],
)
REQUESTS_UNCOUNTED = Counter(
    "aiguillage_requests_uncounted_total",
    "Requests let in without a count, as too many different callers came in one window",
)
UPLOAD_BYTES = Gauge(
    "aiguillage_upload_bytes",
    "Quota of uploads in progress that is reserved, in bytes",
    ["caller"],
)
BODIES_REFUSED = Counter(
    "aiguillage_bodies_refused_total",
    "Requests refused because the quota of uploads was used up, or their body was too slow",
    ["reason"],
)
SOCKETS = Gauge("aiguillage_sockets_open", "WebSockets that are open", ["route"])
SOCKET_FRAMES = Counter(
    "aiguillage_socket_frames_total",
    "Messages over WebSockets, in and out",
    ["route", "direction"],
)
SOCKET_CLOSES = Counter(
    "aiguillage_socket_closes_total",
    "WebSockets that ended: refused with a status, closed with a code, left or lost by the client",
    ["route", "reason"],
)
TOKENS = Counter(
    "aiguillage_tokens_total",
    "Tokens checked, by outcome: verified, known (verified before), away, or the fault",
    ["outcome"],
)
ISSUER_FETCHES = Counter(
    "aiguillage_issuer_fetches_total",
    "Fetches of keys or userinfo from an issuer, by outcome: done, refused, failed",
    ["issuer", "what", "outcome"],
)
