"""Limits of request bodies of a service with default settings."""

from shared.runtime.settings import RuntimeSettings
from shared.runtime.web.server import build_body_limits

BODY_LIMITS = build_body_limits(RuntimeSettings(kafka="k", mongo="m"))
