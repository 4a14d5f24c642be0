"""python -m services.support."""

from services.support.bootstrap import build
from shared.runtime.service import run

if __name__ == "__main__":
    run("support", build)
