"""Settings of the service."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from services.support.domain.catalogue import Catalogue, CatalogueError, read_catalogue
from services.support.domain.clock import Targets, TargetsError, read_targets
from shared.runtime.settings import RuntimeSettings

DATA = Path(__file__).parent / "data"


def catalogue_at(path: Path) -> Catalogue:
    """Read the catalogue of a file. Raises CatalogueError with all that is wrong with it."""
    try:
        # Spreadsheets put a mark before what they save as UTF-8.
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return read_catalogue(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path} cannot be read: {error}") from error


def targets_at(path: Path) -> Targets:
    """Read the targets of a file. Raises TargetsError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return read_targets(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise TargetsError(f"{path} cannot be read: {error}") from error


def _is_catalogue(path: Path) -> Path:
    catalogue_at(path)
    return path


def _are_targets(path: Path) -> Path:
    targets_at(path)
    return path


class Settings(RuntimeSettings):
    """The runtime's settings, and those of support."""

    catalogue: Annotated[Path, AfterValidator(_is_catalogue)] = DATA / "catalogue.csv"
    """Categories and sub-categories with their desk; checked whole at start."""
    targets: Annotated[Path, AfterValidator(_are_targets)] = DATA / "delais.csv"
    """How soon the desks mean to answer, in opening hours, by desk and priority."""
    close_after_days: int = Field(default=15, ge=1)
    """A ticket that was settled and not reopened for that long is closed."""
    open_per_email: int = Field(default=5, ge=1)
    """Tickets without an account that an e-mail address may submit in an hour."""
    open_per_address: int = Field(default=20, ge=1)
    """Tickets without an account that a network address may submit in an hour."""
    portal_url: str = "http://127.0.0.1:8005"
    """Where the portal answers: the virtual agent looks pieces up in it, in the caller's name."""
    agent_messages_per_address: int = Field(default=200, ge=1)
    """Messages without an account that a network address may send to the virtual agent an hour."""
    agent_kept_days: int = Field(default=90, ge=1)
    """Conversations with the virtual agent are forgotten so long after their beginning."""
