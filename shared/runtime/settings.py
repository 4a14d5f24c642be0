"""Settings of every service, from environment variables."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Literal

from aiokafka.conn import collect_hosts
from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.tokens.issuers import Issuer, check_issuers
from shared.vocabulary.levels import LEVEL, WRITE_LEVEL

PREFIX = "AIGUILLAGE_"
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")


def check_servers(servers: str) -> str:
    """Return bootstrap servers as they are; raise ValueError when the client cannot read them."""
    try:
        collect_hosts(servers.split(","))
    except ValueError:
        raise ValueError(f"{servers} is no list of host:port, separated by commas") from None
    return servers


class RuntimeSettings(BaseSettings):
    """Settings of the runtime, each an environment variable with the prefix `AIGUILLAGE_`.

    In their names `_s` means seconds, `_kb_s` KB a second, `_mb` MB.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    kafka: str
    """Bootstrap servers, `host:port` separated by commas."""
    mongo: str
    """Connection string of a replica set, which transactions need."""
    host: str = "127.0.0.1"
    port: int = 8000
    idempotent_producer: bool = True
    """False only for a broker without InitProducerId: it fences no replica, so one that froze may
    publish after its successor. Inboxes still drop duplicates and apply ranks in order."""
    end_offsets_reliable: bool = True
    """False for a broker whose end offsets are wrong: a service is then ready when no record has
    come for a second."""
    issuers: tuple[Issuer, ...] = ()
    """Trusted issuers of tokens, a JSON list; each names its `url`, its `audience`, and for whom it
    may speak. Without one nobody can sign in."""
    token_skew_s: int = Field(default=30, ge=0, le=60)
    """Clock skew of issuers that is accepted, in seconds."""
    keys_stale_s: float = Field(default=3600, ge=300)
    """For so long the known keys of an issuer go on when it does not answer; then 503."""
    proxies: str = ""
    """Addresses or networks of the proxies before this service, separated by spaces: the header
    `X-Forwarded-For` is trusted from them only. Empty: from nobody."""
    allowed_origins: str = ""
    """Origins whose pages may open a WebSocket, `https://host[:port]` separated by spaces, besides
    the pages of the host that the request names."""
    connections: int = Field(default=3000, ge=10)
    """Limit of open connections of one process, WebSockets and live views included."""
    connections_each: int = Field(default=1000, ge=1)
    """Limit of open connections of one network address; a proxy has no such limit. Behind a proxy,
    it limits the requests in progress of one client address."""
    connections_waiting: int = Field(default=500, ge=1)
    """Limit of connections that wait for a request or the end of its head; beyond it, the oldest
    is closed."""
    caller_window_s: int = Field(default=60, ge=1, le=3600)
    """Window of the limits of requests of one caller, in seconds."""
    caller_requests: int = Field(default=1200, ge=0)
    """Limit of requests of one person or program in a window, in this service; 0: none. Twenty a
    second is many times what a person's page asks, and carries a million pieces a day."""
    caller_requests_open: int = Field(default=300, ge=0)
    """Limit of requests of one network address in a window, on paths without authentication; 0:
    none. The people and programs of an office may share an address."""
    head_timeout_s: float = Field(default=10, gt=0)
    """Timeout of the head of a request."""
    answer_timeout_s: float = Field(default=30, gt=0)
    """Timeout of a slow reader: after this time below `slowest_kb_s`, its connection is closed."""
    body_timeout_s: float = Field(default=900, gt=0)
    """Timeout of a request's body: total time spent waiting for it."""
    body_timeout_open_s: float = Field(default=120, gt=0)
    """Timeout of a request's body on paths without authentication."""
    body_grace_s: float = Field(default=10, gt=0)
    """Longest silence within a body, and grace period before its rate is checked. The rate is
    `slowest_kb_s`, or what its announced length needs within the timeout, if that is more."""
    slowest_kb_s: float = Field(default=8, ge=0)
    """Lowest rate in KB a second at which a body may come and an answer be read."""
    uploads_mb: int = Field(default=1024, ge=1)
    """Quota of uploads in progress, in MB as announced; a quarter of it for one structure. The
    temporary folder should have more free space than that."""
    uploads_open_mb: int = Field(default=120, ge=1)
    """Quota of uploads in progress on paths without authentication, in MB as announced; a quarter
    of it for one network address."""
    upload_wait_s: float = Field(default=15, gt=0)
    """Timeout of a form that waits, unread, for the quota; then its sender must retry later."""
    clock_offset_s: int = 0
    """Seconds by which the service's clock is ahead of the machine's: for tests of delays."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: str = Field(
        default="",
        validation_alias=AliasChoices(
            "otlp_endpoint", f"{PREFIX}OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
    )
    """Collector of traces, `http://host:4318`; empty: spans are not made. The variable of
    OpenTelemetry, `OTEL_EXPORTER_OTLP_ENDPOINT`, is read as well."""
    namespace: str = Field(default="", pattern=r"^([a-z0-9]+[.-])?$", max_length=40)
    """Prefix of the names of database, topics and groups, such as `essai-`: several platforms can
    share a store and a broker."""
    instance: str = "1"
    """Name of this replica, the same after a restart: at start the replica aborts the database
    transactions that were left open under its name."""
    write_level: int = Field(default=WRITE_LEVEL, ge=1, le=LEVEL)
    """Write level: the highest level of the values that are written. The default is that of the
    version before. Raise it once every replica of every service runs this version: then new
    statuses, acts and circuits are used, and it cannot be lowered again."""
    max_batch: int = Field(default=500, ge=1)
    """Largest number of records in one batch, which is one transaction."""
    stall_timeout_s: float = Field(default=60, gt=0)
    """Stall timeout, in seconds: the service is not ready when a consumer has had no successful
    poll, or the outbox relay has published nothing that waits, for this long."""

    @field_validator("kafka")
    @classmethod
    def _check_servers(cls, value: str) -> str:
        return check_servers(value)

    @field_validator("issuers")
    @classmethod
    def _check_issuers(cls, value: tuple[Issuer, ...]) -> tuple[Issuer, ...]:
        check_issuers(value)
        return value

    @field_validator("proxies")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        if not all(ip_network(each).prefixlen for each in value.split()):
            raise ValueError("that is everybody: name the proxies alone")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, value: str) -> str:
        for each in value.split():
            if not _ORIGIN.fullmatch(each):
                raise ValueError(f"{each} is no origin: https://host[:port], without a path")
        return value


def name_variable(name: str) -> str:
    """Build the name of a setting's environment variable."""
    return f"{PREFIX}{name.upper()}"


def describe_faults(error: ValidationError) -> Iterator[str]:
    """Describe the faults of settings, each by the variable that an operator sets."""
    for each in error.errors():
        fault = "not set" if each["type"] == "missing" else each["msg"]
        # The messages of our own validators need no prefix.
        fault = str(each.get("ctx", {}).get("error", fault))
        name, *within = each["loc"] or ("",)
        if within:
            fault = f"{'.'.join(map(str, within))}: {fault}"
        yield f"{name_variable(str(name)) if name else 'settings'}: {fault}"
