"""Local platform: broker, store and services on one machine, for demos, tests and benches.

with Platform(Backend.EMBEDDED) as platform:
    platform.addresses.services["deposit"]
"""

from deploy.errors import LaunchError
from deploy.local.backends import Backend, BackendChoice, choose
from deploy.local.platform import SERVICES, Addresses, Platform

__all__ = ["SERVICES", "Addresses", "Backend", "BackendChoice", "LaunchError", "Platform", "choose"]
