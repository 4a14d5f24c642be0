"""JSON logs: one line for each event, with the ids of the dossier and the message.

Each line begins by its time, so that `sort` puts the lines of several services in order.
"""

import logging
import sys
from contextlib import AbstractContextManager

import structlog

from shared.runtime.error_descriptions import format_traceback


def configure_logging(service: str, level: str) -> None:
    """Send structlog and the libraries' own loggers to standard output as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
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
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
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
    structlog.contextvars.bind_contextvars(service=service)


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
