"""Limits of request bodies as a service has them when nobody chose any."""

from shared.runtime.settings import RuntimeSettings
from shared.runtime.web.server import build_body_limits

BODY_LIMITS = build_body_limits(RuntimeSettings(kafka="k", mongo="m"))
