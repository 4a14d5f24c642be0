"""Writes the gateway's configuration for compose, where a service's name is its host.

python -m deploy.gateway
"""

from deploy.gateway import COMPOSE, build_for_compose
from deploy.local import SERVICES

if __name__ == "__main__":
    names = [module.rpartition(".")[2] for module in SERVICES]
    COMPOSE.write_text(build_for_compose(names), encoding="utf-8")
