"""Settings of support, from environment variables."""

from collections.abc import Callable, Iterable
from datetime import time
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from services.support.desks.domain.catalogue import Catalogue, CatalogueError, read_catalogue
from services.support.desks.domain.hours import OpeningHours
from services.support.tickets.domain.targets import Targets, TargetsError, read_targets
from shared.runtime.settings import RuntimeSettings
from shared.vocabulary.dates import parse_date

T = TypeVar("T")
DATA = Path(__file__).parent / "data"
_DEFAULT_HOURS = OpeningHours()


def load_catalogue(path: Path) -> Catalogue:
    """Load the catalogue of a CSV file. Raises CatalogueError with all its faults."""
    return _read(path, read_catalogue, CatalogueError)


def load_targets(path: Path) -> Targets:
    """Load the response-time targets of a CSV file. Raises TargetsError."""
    return _read(path, read_targets, TargetsError)


def _read(path: Path, read: Callable[[Iterable[str]], T], fault: type[ValueError]) -> T:
    try:
        # Spreadsheets begin a UTF-8 file with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return read(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise fault(f"{path} cannot be read: {error}") from error


def _check_catalogue(path: Path) -> Path:
    load_catalogue(path)
    return path


def _check_targets(path: Path) -> Path:
    load_targets(path)
    return path


class Settings(RuntimeSettings):
    """Settings of support, beside those of the runtime."""

    catalogue: Annotated[Path, AfterValidator(_check_catalogue)] = DATA / "catalogue.csv"
    """Catalogue: categories and sub-categories with their desk; checked whole at start."""
    model: Path | None = None
    """Model file that `python -m services.support train` wrote for this catalogue; without it, the
    service trains at start."""
    targets: Annotated[Path, AfterValidator(_check_targets)] = DATA / "delais.csv"
    """Response-time targets of the desks in opening hours, by desk and priority."""
    desks_open_at: str = _DEFAULT_HOURS.opens.isoformat("minutes")
    """Opening time of the desks and of the chat, in Paris: `08:30`."""
    desks_close_at: str = _DEFAULT_HOURS.closes.isoformat("minutes")
    """Closing time, the same day."""
    desks_days: str = " ".join(map(str, sorted(_DEFAULT_HOURS.days)))
    """Open days of the week, from 1, Monday, to 7, separated by spaces."""
    desks_closed_on: str = ""
    """Closed days beside French public holidays, `2026-12-24 2026-12-31`."""
    close_after_days: int = Field(default=15, ge=1)
    """Days after which a settled ticket that was not reopened is closed."""
    open_per_email: int = Field(default=5, ge=1)
    """Rate limit of tickets without an account, by e-mail address, per hour. Activation links have
    the same limit, counted apart."""
    open_per_address: int = Field(default=20, ge=1)
    """Rate limit of tickets without an account, by network address, per hour. Activation links have
    the same limit, counted apart."""
    open_messages_per_ticket: int = Field(default=30, ge=1)
    """Rate limit of messages, reopenings and ratings on a ticket without an account, per hour."""
    portal_url: str = "http://127.0.0.1:8005"
    """Base URL of the portal, in which the virtual agent looks pieces up as the caller."""
    agent_messages_per_address: int = Field(default=200, ge=1)
    """Rate limit of messages to the virtual agent without an account, by network address, per
    hour."""
    suggestions_each: int = Field(default=3000, ge=1)
    """Rate limit of suggestions, by structure, or without an account by network address, per hour:
    one is requested at each pause of a person who types."""
    agent_kept_days: int = Field(default=90, ge=1)
    """Retention of a conversation with the virtual agent, in days."""
    chat_waiting: int = Field(default=100, ge=1)
    """Limit of chats that wait in the queue of one desk."""
    chat_waiting_open: int = Field(default=50, ge=1)
    """Limit of waiting chats without an account, which count in `chat_waiting` as well."""
    chat_open_each: int = Field(default=5, ge=1)
    """Limit of open chats of a structure, or without an account of a network address."""
    chat_starts_per_address: int = Field(default=20, ge=1)
    """Rate limit of chats started without an account, by network address, per hour."""
    chat_silence_s: int = Field(default=900, ge=1)
    """Timeout of a chat in which nobody writes, in seconds."""
    chat_absence_s: int = Field(default=120, ge=60)
    """Timeout of a waiting chat whose visitor is not connected, in seconds."""
    chat_kept_days: int = Field(default=365, ge=1)
    """Retention of a transcript, in days."""
    chat_sockets: int = Field(default=1000, ge=1)
    """Limit of connections to the chat with an account, per process."""
    chat_sockets_open: int = Field(default=500, ge=1)
    """Limit of connections to the chat without an account, per process; counted apart."""
    chat_sockets_desk: int = Field(default=500, ge=1)
    """Limit of connections of agents of desks to the chat, per process."""
    chat_sockets_before_first_frame: int = Field(default=100, ge=1)
    """Limit of connections without a first frame yet, with an account and without one, counted
    apart; over it the oldest is closed."""
    chat_sockets_each: int = Field(default=20, ge=1)
    """Limit of connections of one structure, network address or agent, per process."""

    @model_validator(mode="after")
    def _check_opening_hours(self) -> Self:
        _ = self.hours
        return self

    @property
    def hours(self) -> OpeningHours:
        """Opening hours of the desks."""
        return OpeningHours(
            opens=time.fromisoformat(self.desks_open_at),
            closes=time.fromisoformat(self.desks_close_at),
            days=frozenset(map(int, self.desks_days.split())),
            closed_on=frozenset(map(parse_date, self.desks_closed_on.split())),
        )
