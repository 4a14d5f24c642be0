"""What every service reads from its environment."""

from ipaddress import ip_address
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class RuntimeSettings(BaseSettings):
    """Settings of the runtime, each an environment variable with the prefix `AIGUILLAGE_`."""

    model_config = SettingsConfigDict(env_prefix="AIGUILLAGE_", frozen=True)

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
