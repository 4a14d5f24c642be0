"""Runs deposit."""

from services.deposit.bootstrap import build
from shared.runtime.service import run

run("deposit", build)
