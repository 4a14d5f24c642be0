"""A service as a command: its help needs no setting, and a faulty setting is named as it is set."""

from importlib import import_module

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from deploy.local.platform import SERVICES
from shared.runtime.settings import RuntimeSettings, describe_faults


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA", "MONGO"):
        monkeypatch.delenv(f"AIGUILLAGE_{name}", raising=False)


@pytest.mark.parametrize("module", SERVICES)
def test_the_help_of_a_service_needs_no_setting_and_names_them_all(module: str) -> None:
    said = CliRunner().invoke(import_module(f"{module}.__main__").app, ["--help"])

    settings = import_module(f"{module}.settings").Settings
    assert said.exit_code == 0, said.output
    assert [f"AIGUILLAGE_{name.upper()}" for name in settings.model_fields] == [
        line.strip().partition("=")[0]
        for line in said.output.splitlines()
        if line.strip().startswith("AIGUILLAGE_")
    ]
    required, _, optional = said.output.partition("These are optional")
    assert "AIGUILLAGE_KAFKA" in required
    assert "AIGUILLAGE_PORT=8000" in optional


@pytest.mark.parametrize("module", SERVICES)
def test_a_service_without_its_settings_names_their_variables(module: str) -> None:
    ended = CliRunner().invoke(import_module(f"{module}.__main__").app, [])

    service = module.rpartition(".")[2]
    wanted = f"{service}: AIGUILLAGE_KAFKA: not set; AIGUILLAGE_MONGO: not set"
    assert str(ended.exception) == wanted or wanted in ended.output


def test_a_fault_is_told_in_our_own_words_alone() -> None:
    with pytest.raises(ValidationError) as wrong:
        RuntimeSettings(kafka="k", mongo="m", proxies="0.0.0.0/0", max_batch=0)

    assert list(describe_faults(wrong.value)) == [
        "AIGUILLAGE_PROXIES: that is everybody: name the proxies alone",
        "AIGUILLAGE_MAX_BATCH: Input should be greater than or equal to 1",
    ]
