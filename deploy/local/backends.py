"""Backends: which broker and store a local platform runs, and how one is chosen."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.errors import LaunchError
from deploy.local import containers, kafka


class Backend(StrEnum):
    """Kind of broker and store of a local platform."""

    EMBEDDED = "embedded"
    """Tansu, in memory, and SecantusDB: needs Python only, loses everything when it stops."""
    NATIVE = "native"
    """Apache Kafka on the machine's Java, and SecantusDB: data stay in the folder of the run."""
    DOCKER = "docker"
    """Apache Kafka and MongoDB in containers, which are removed at the end."""

    @property
    def has_real_kafka(self) -> bool:
        """Whether the broker is Apache Kafka."""
        return self is not Backend.EMBEDDED

    @property
    def keeps_data(self) -> bool:
        """Whether a later run in the same folder finds the data.

        Broker and store both keep them or neither does: a store alone would wait for messages that
        are gone.
        """
        return self is Backend.NATIVE

    def find_missing(self) -> str | None:
        """Describe what this machine lacks to run the backend; None when it can run."""
        needs = {Backend.NATIVE: kafka.find_missing, Backend.DOCKER: containers.find_missing_engine}
        return needs[self]() if self in needs else None


@dataclass(frozen=True)
class BackendChoice:
    """Backend that was chosen, and why."""

    backend: Backend
    reason: str


class _BackendSetting(BaseSettings):
    """Environment variable `BACKEND`, which forces a backend."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    backend: str | None = None


def choose(otherwise: Backend | None = None) -> BackendChoice:
    """Choose the backend: that of `BACKEND`, else `otherwise`, else native or embedded.

    Native where it can run: its Kafka is the real one. Docker is never chosen without being named.
    Raises LaunchError when `BACKEND` names no backend.
    """
    wish = _BackendSetting().backend
    if wish is not None:
        if wish not in list(Backend):
            raise LaunchError(f"BACKEND={wish} is unknown: choose {' or '.join(Backend)}")
        return BackendChoice(Backend(wish), "BACKEND says so")
    if otherwise is not None:
        return BackendChoice(otherwise, "it is the default")
    missing = Backend.NATIVE.find_missing()
    if missing is None:
        return BackendChoice(Backend.NATIVE, "Java and Apache Kafka can be had here")
    return BackendChoice(Backend.EMBEDDED, missing)
