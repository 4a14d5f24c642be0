"""Request of every service for the limits of its caller."""

from deploy.local.platform import SERVICES
from tests.authz.requests import prepares
from tests.authz.scene import Request, Scene


async def _read_limits(_: Scene) -> Request:
    return Request()


for _module in SERVICES:
    prepares(_module.rpartition(".")[2], "GET", "/limits")(_read_limits)
