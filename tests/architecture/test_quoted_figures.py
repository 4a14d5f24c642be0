"""Figures that pages quote are those of the code."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import pytest

from deploy.local.supervisor import FIRST_DELAY_S, LONGEST_DELAY_S
from services.deposit.adapters.reader_pool import LIGHT_BYTES, ReaderLimits
from services.deposit.bootstrap import _BODY_LIMIT_MB as PIECE_MB
from services.deposit.settings import Settings as DepositSettings
from services.portal.domain.fiscal import LONGEST_PERIOD_DAYS
from services.support.bootstrap import _BODY_LIMIT_MB as TICKET_MB
from services.support.bootstrap import _FIRST_FRAME_S, _OPEN_BODY_LIMIT_MB
from services.support.chat.application.visitors import UNGUESSABLE_KEY_LENGTH
from services.support.chat.domain.chat import ChatLimits
from services.support.chat.entrypoints.socket import _USELESS_LIMIT
from services.support.settings import Settings as SupportSettings
from shared.runtime.jobs.kinds import InTransaction
from shared.runtime.messaging.lane import _RETRY_AFTER_REFUSAL_S
from shared.runtime.tracing.exporter import _QUEUE_MAX
from shared.runtime.web.body_limits import _OPEN_PLAIN_BYTES, _PLAIN_BYTES
from shared.runtime.web.connection_timeouts import _HEAD_BYTES, _HEAD_LINES
from shared.runtime.web.server import _FRAME_MAX_BYTES
from tests.kit.deployed import NAMES, ROOT, find_settings

_QUOTED = re.compile(r"`(?:AIGUILLAGE|…)?_?([A-Z]+(?:_[A-Z]+)*)`,? \(?(\d+)(?![\d., ]*\d)")
"""A setting, then what it is when not set: `X_S` (10), `X_S` 10, `X_S`, 10."""
_KB, _MB = 1024, 1024 * 1024
_DEPOSIT, _CHAT = DepositSettings(kafka="k", mongo="m"), SupportSettings(kafka="k", mongo="m")


def _default(of: type[Any], name: str) -> Any:  # noqa: ANN401 - of any field
    return next(field.default for field in fields(of) if field.name == name)


SENTENCES = {
    "operate.md": (
        f"`AIGUILLAGE_READERS` processes of their own ({_DEPOSIT.readers})",
        f"XML over {LIGHT_BYTES // _KB} KB",
        f"as after {_default(ReaderLimits, 'files')} files",
        f"over {_PLAIN_BYTES // _MB} MB ({_OPEN_PLAIN_BYTES // _KB} KB where no account is asked)",
        (
            f"{PIECE_MB} MB on `/deposit/v1/pieces`, {TICKET_MB} MB on tickets, "
            f"{_OPEN_BODY_LIMIT_MB} MB without an account"
        ),
        f"| {_HEAD_BYTES // _KB} KB, {_HEAD_LINES} lines",
        f"; {_CHAT.body_timeout_open_s:g} where no account is asked, `BODY_TIMEOUT_OPEN_S`",
        f"({_CHAT.chat_sockets}, {_CHAT.chat_sockets_open}, {_CHAT.chat_sockets_desk})",
        f"it is tried every {_RETRY_AFTER_REFUSAL_S:g} seconds",
        (
            f"at first after {FIRST_DELAY_S:g} s, "
            f"and after up to {LONGEST_DELAY_S:g} s if it goes on ending"
        ),
        f"the collector is away, {_QUEUE_MAX:,} spans wait",
        (f"later each time, up to {_default(InTransaction, 'retry_max_s') / 60:g} minutes"),
    ),
    "deploy.md": (f"bodies of {PIECE_MB} MB",),
    "integrate.md": (
        f"The first frame is one of the first two, within {_FIRST_FRAME_S:g} s.",
        f"told {_default(ChatLimits, 'warning').seconds // 60} minutes before",
        f"after {_CHAT.chat_silence_s // 60} minutes of silence",
        f"gone for {_CHAT.chat_absence_s // 60} minutes",
        f"Frames are JSON in text, {_FRAME_MAX_BYTES // _KB} KB at most",
        f"or {_USELESS_LIMIT} messages were refused",
        f"of {UNGUESSABLE_KEY_LENGTH} characters or more",
        f"over {LONGEST_PERIOD_DAYS} days at most",
    ),
}


def _read_page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _read_defaults() -> Mapping[str, Any]:
    return {
        name.upper(): field.default
        for service in NAMES
        for name, field in find_settings(service).model_fields.items()
    }


def _find_wrong(page: str, defaults: Mapping[str, Any]) -> Iterator[str]:
    """Name the settings beside which a page writes another figure than their default."""
    for name, figure in _QUOTED.findall(page):
        if name in defaults and float(figure) != defaults[name]:
            yield f"{name} {figure}"


@pytest.mark.parametrize("name", SENTENCES)
def test_a_figure_beside_a_setting_is_its_default(name: str) -> None:
    assert list(_find_wrong(_read_page(name), _read_defaults())) == []


def test_figures_beside_settings_are_found() -> None:
    found = {name for name, _ in _QUOTED.findall(_read_page("operate.md"))} & {*_read_defaults()}

    assert len(found) >= 29
    assert {"READER_MEMORY_MB", "CONNECTIONS", "CHAT_SILENCE_S", "OPEN_PER_EMAIL"} <= found
    planted = "`AIGUILLAGE_READER_CPU_S` (4), `…_CHAT_KEPT_DAYS` (365), `CONNECTIONS` 2999"
    assert [*_find_wrong(planted, _read_defaults())] == ["READER_CPU_S 4", "CONNECTIONS 2999"]


@pytest.mark.parametrize(("page", "sentence"), [(p, s) for p in SENTENCES for s in SENTENCES[p]])
def test_a_sentence_quotes_the_figures_of_the_code(page: str, sentence: str) -> None:
    assert sentence in _read_page(page)
