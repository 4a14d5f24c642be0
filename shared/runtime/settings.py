"""Settings of every service, from environment variables."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "AIGUILLAGE_"
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")


class RuntimeSettings(BaseSettings):
    """Settings of the runtime, each an environment variable with the prefix `AIGUILLAGE_`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    kafka: str
    """Bootstrap servers, `host:port` separated by commas."""
    mongo: str
    """Connection string of a replica set: transactions need one."""
    host: str = "127.0.0.1"
    port: int = 8000
    idempotent_producer: bool = True
    """False only for a broker that knows no InitProducerId; order and uniqueness rest on outbox
    and inbox either way."""
    end_offsets_reliable: bool = True
    """False for a broker whose end offsets are wrong: readiness then waits for silence."""
    trust_headers: bool = False
    """Believe the headers that name the caller. Loopback only."""
    proxies: str = ""
    """Addresses or networks of the proxies before this service, separated by spaces: they alone
    are believed when they say by `X-Forwarded-For` who calls. Empty: nobody is."""
    allowed_origins: str = ""
    """Sites whose pages may open a WebSocket, `https://host[:port]` separated by spaces, beside
    the pages of the host that the request names."""
    connections: int = Field(default=3000, ge=10)
    """Connections that one process keeps open, WebSockets and live views among them."""
    connections_each: int = Field(default=1000, ge=1)
    """Of these, those of one network address: that of the connection itself, but of a proxy. Behind
    a proxy, as many requests in progress of one client address."""
    connections_waiting: int = Field(default=500, ge=1)
    """Of these, those that wait for a request or the end of its head; at one more, the oldest is
    closed."""
    head_timeout_s: float = Field(default=10, gt=0)
    """Time for the head of a request to come whole."""
    answer_timeout_s: float = Field(default=30, gt=0)
    """A client that reads its answer more slowly than `slowest_kb_s` for that long is cut."""
    body_timeout_s: float = Field(default=900, gt=0)
    """Time that a request's body may be waited for in all."""
    body_timeout_open_s: float = Field(default=120, gt=0)
    """The same where no account is asked."""
    body_grace_s: float = Field(default=10, gt=0)
    """Time that a body may be waited for before it must have come at `slowest_kb_s`."""
    slowest_kb_s: float = Field(default=8, ge=0)
    """KB a second that a body comes at, and that an answer is read at."""
    uploads_mb: int = Field(default=1024, ge=1)
    """MB that forms with files may weigh together, as announced, until they are answered: of them,
    a quarter for one structure. More than these should be free in the temporary folder."""
    uploads_open_mb: int = Field(default=120, ge=1)
    """The same where no account is asked, and for one network address."""
    upload_wait_s: float = Field(default=15, gt=0)
    """A form waits so long for that room, unread, before its sender is told to come back."""
    clock_offset_s: int = 0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    namespace: str = Field(default="", pattern=r"^([a-z0-9]+[.-])?$", max_length=40)
    """Put before the names of database, topics and groups, so that several platforms may share a
    store and a broker: `essai-`."""
    instance: str = "1"
    """Name of this replica, the same after a restart: it ends what its predecessor left open."""
    max_batch: int = Field(default=500, ge=1)
    """Records taken in one transaction at most."""
    still_after_s: float = Field(default=60, gt=0)
    """A consumer that has not polled for this long stands still: the service is not ready."""

    @field_validator("proxies")
    @classmethod
    def _proxies_are_networks(cls, value: str) -> str:
        if not all(ip_network(each).prefixlen for each in value.split()):
            raise ValueError("that is everybody: name the proxies alone")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _origins_are_sites(cls, value: str) -> str:
        for each in value.split():
            if not _ORIGIN.fullmatch(each):
                raise ValueError(f"{each} is no origin: https://host[:port], without a path")
        return value

    @model_validator(mode="after")
    def _trusted_headers_stay_on_loopback(self) -> Self:
        if self.trust_headers and not _is_loopback(self.host):
            raise ValueError(
                f"AIGUILLAGE_TRUST_HEADERS is set: {self.host} would let anybody act for any "
                "structure; bind 127.0.0.1"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def name_variable(name: str) -> str:
    """Name the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def describe_faults(error: ValidationError) -> Iterator[str]:
    """Say what is wrong with settings, each by the variable that an operator sets."""
    for each in error.errors():
        said = "not set" if each["type"] == "missing" else each["msg"]
        # What our own validators say needs no word before it.
        said = str(each.get("ctx", {}).get("error", said))
        yield f"{name_variable(str(each['loc'][0])) if each['loc'] else 'settings'}: {said}"
