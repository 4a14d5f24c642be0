"""Backends: where broker and store come from, and which one is taken."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.errors import LaunchError
from deploy.local import containers, kafka


class Backend(StrEnum):
    """Where broker and store come from."""

    EMBEDDED = "embedded"
    """Tansu, in memory, and SecantusDB: needs Python alone, forgets everything when it stops."""
    NATIVE = "native"
    """Apache Kafka on the machine's Java, and SecantusDB: data stay between two runs."""
    DOCKER = "docker"
    """Apache Kafka and MongoDB in containers, which are removed when it stops."""

    @property
    def has_real_kafka(self) -> bool:
        """Whether the broker is Apache Kafka."""
        return self is not Backend.EMBEDDED

    @property
    def keeps_data(self) -> bool:
        """Whether a later run finds the data. A store that stayed beside a broker that forgot would
        wait for messages that are gone."""
        return self is Backend.NATIVE

    def find_missing(self) -> str | None:
        """Say what this machine lacks for it, None when nothing."""
        needs = {Backend.NATIVE: kafka.find_missing, Backend.DOCKER: containers.find_missing_engine}
        return needs[self]() if self in needs else None


@dataclass(frozen=True)
class Choice:
    """A backend, and why this one."""

    backend: Backend
    reason: str


class _Wish(BaseSettings):
    """The variable `BACKEND`, with which a person forces one."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    backend: str | None = None


def choose(otherwise: Backend | None = None) -> Choice:
    """Take the backend that `BACKEND` names, else `otherwise`, else the nearest to production."""
    wish = _Wish().backend
    if wish is not None:
        if wish not in list(Backend):
            raise LaunchError(f"BACKEND={wish} is unknown: choose {' or '.join(Backend)}")
        return Choice(Backend(wish), "BACKEND says so")
    if otherwise is not None:
        return Choice(otherwise, "it is the default")
    missing = Backend.NATIVE.find_missing()
    if missing is None:
        return Choice(Backend.NATIVE, "Java and Apache Kafka can be had here")
    return Choice(Backend.EMBEDDED, missing)
