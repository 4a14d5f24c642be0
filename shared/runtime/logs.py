"""JSON logs: one line for each event, with the ids of the dossier and the message.

Each line begins by its time, so that `sort` puts the lines of several services in order.
"""

import logging
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

import structlog

from shared.runtime.error_descriptions import format_traceback

_LIMITED = "aiokafka"
"""Library whose repeated lines are limited: without its broker it logs 125 a second."""
_REPEAT_S = 30.0
"""Interval of lines of one template, in seconds."""


@dataclass(slots=True)
class _Repeats:
    """Lines of one template that were left out since `ends_at` was set."""

    ends_at: float
    count: int = 0
    last: logging.LogRecord | None = None


class RepeatLimit:
    """Rate limit of a library's lines: one line each 30 s of a logger, a level and a template.

    The first line passes at once. When its interval has ended, the last of those that were left out
    is logged with `suppressed`, the number of the others: at the next line of anybody.
    """

    def __init__(self) -> None:
        """Begin without any line."""
        self._repeats: dict[tuple[str, int, str], _Repeats] = {}

    def select(self, record: logging.LogRecord, now: float) -> list[logging.LogRecord]:
        """Select the records to log now, at the monotonic time `now` in seconds."""
        selected = self._end_intervals(now)
        if record.name.partition(".")[0] != _LIMITED:
            return [*selected, record]
        key = (record.name, record.levelno, str(record.msg))
        if key not in self._repeats:
            self._repeats[key] = _Repeats(now + _REPEAT_S)
            return [*selected, record]
        self._repeats[key].count += 1
        self._repeats[key].last = record
        return selected

    def _end_intervals(self, now: float) -> list[logging.LogRecord]:
        ended = [each for each in self._repeats.items() if each[1].ends_at <= now]
        selected = []
        for key, repeats in ended:
            del self._repeats[key]
            if repeats.last is not None:
                repeats.last.suppressed = repeats.count - 1
                selected.append(repeats.last)
                self._repeats[key] = _Repeats(now + _REPEAT_S)
        return selected


class _LimitedHandler(logging.StreamHandler):  # type: ignore[type-arg]  # not generic at run time
    """Handler that logs what a RepeatLimit selects."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._limit = RepeatLimit()

    def handle(self, record: logging.LogRecord) -> bool:
        self.acquire()
        try:
            for each in self._limit.select(record, time.monotonic()):
                super().handle(each)
        finally:
            self.release()
        return True


def configure_logging(service: str, level: str) -> None:
    """Send structlog and the libraries' own loggers to standard output as JSON lines."""

    def add_service(
        _: object, __: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {"service": service, **event}

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        # Not a context variable: threads of libraries, as the exporter's, have none.
        add_service,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Not as Python formats it: some errors quote personal data.
        structlog.processors.ExceptionRenderer(lambda exc_info: format_traceback(exc_info[1])),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = _LimitedHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _read_record],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _put_time_first,
                structlog.processors.JSONRenderer(default=repr),
            ],
        )
    )
    # Libraries log from WARNING on, our own code from `level` on.
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for ours in ("services", "shared"):
        logging.getLogger(ours).setLevel(level)


def _read_record(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Take the time of a library's line from its record, which may have waited, and its count."""
    record: logging.LogRecord = event["_record"]
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
    event["timestamp"] = moment.replace("+00:00", "Z")
    if suppressed := getattr(record, "suppressed", 0):
        event["suppressed"] = suppressed
    return event


def _put_time_first(
    _: object, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {"timestamp": event.pop("timestamp"), **event}


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Get a logger. The event of a line is a dotted constant; values are fields."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger


def bind_ids(**ids: str) -> AbstractContextManager[None]:
    """Add `ids` to every line that is logged inside the block."""
    return structlog.contextvars.bound_contextvars(**ids)
