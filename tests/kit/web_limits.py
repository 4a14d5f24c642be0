"""Limits of request bodies as a service has them when nobody chose any."""

from shared.runtime.service import build_body_limits
from shared.runtime.settings import RuntimeSettings

BODY_LIMITS = build_body_limits(RuntimeSettings(kafka="k", mongo="m"))
