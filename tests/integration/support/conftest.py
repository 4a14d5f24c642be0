"""The service on a real broker and store."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.local import Addresses, Platform
from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.examples import read_examples
from services.support.suggestions.adapters.model import train_model
from services.support.suggestions.adapters.model_file import write_model
from tests.integration.support.chat_site import Cast, Site, a_site
from tests.integration.support.world import a_structure
from tests.kit.access import run_services
from tests.kit.directory import publish_structure
from tests.kit.waiting import scale_timeout


@pytest.fixture(scope="package")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the model once, for some twenty starts of the service: seconds of CPU at each.

    It gives the same guesses as one trained at start (`tests/unit/support/test_model_file.py`),
    which the demos and the walk of `tests/integration/deploy` start with.
    """
    file = tmp_path_factory.mktemp("model") / "model.npz"
    desks = load_catalogue(DATA / "catalogue.csv").desks
    write_model(file, train_model(read_examples(DATA / "exemples"), desks))
    return file


@contextmanager
def _using(model: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGUILLAGE_MODEL", str(model))
        yield


@pytest.fixture(scope="module", autouse=True)
def _uses_trained_model(trained_model: Path) -> Iterator[None]:
    """Tell the services that a module here starts; those of other folders train their own."""
    with _using(trained_model):
        yield


@pytest.fixture(scope="package")
def support(trained_model: Path) -> Iterator[Platform]:
    with ExitStack() as stack:
        with _using(trained_model):
            platform = stack.enter_context(run_services("services.support"))
        yield platform


@pytest.fixture(scope="package")
def addresses(support: Platform) -> Addresses:
    return support.addresses


@pytest.fixture
async def http(support: Platform) -> AsyncIterator[httpx.AsyncClient]:
    url = support.addresses.services["support"]
    async with httpx.AsyncClient(base_url=url, timeout=scale_timeout(30)) as client:
        yield client


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(trained_model: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        with _using(trained_model):
            site = await stack.enter_async_context(a_site())
        yield site


@pytest.fixture
async def cast(site: Site) -> Cast:
    structure = a_structure().replace(" ", "-")
    await publish_structure(site.platform.addresses, "support", structure)
    return Cast(structure)
