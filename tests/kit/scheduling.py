"""Schedule of the suite on several workers: a file, or a folder with one platform, stays whole."""

from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling


class _FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Scheduler of pytest-xdist: one worker runs a file, or a folder that is a package.

    The tests of a package share a platform. `--dist loadgroup` would say the same by a mark, but
    pytest-xdist 3.8 writes it where pytest 9.2 no longer reads it, and then splits every group.
    """

    def _split_scope(self, nodeid: str) -> str:
        """Name the group of a test: the method that pytest-xdist asks for it."""
        file, _, _ = nodeid.partition("::")
        folder, _, _ = file.rpartition("/")
        is_package = (self.config.rootpath / folder / "__init__.py").exists()
        return folder if is_package else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - xdist's
    """Schedule folders and files, whatever `--dist` says."""
    return _FolderScheduling(config, log)
