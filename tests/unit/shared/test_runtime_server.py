"""Configuration of the HTTP server."""

import httpx
from fastapi import FastAPI

from shared.runtime.settings import RuntimeSettings
from shared.runtime.web.server import build_server_config


def test_an_idle_connection_outlives_its_place_in_the_pool_of_a_client() -> None:
    config = build_server_config(FastAPI(), RuntimeSettings(kafka="k", mongo="m"))
    kept_s = httpx.Limits().keepalive_expiry

    assert kept_s is not None
    assert kept_s + 1 < config.timeout_keep_alive < config.connections.limits.head_s  # type: ignore[attr-defined]
