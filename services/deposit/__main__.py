"""python -m services.deposit."""

from services.deposit.bootstrap import build
from shared.runtime.service import run

if __name__ == "__main__":
    run("deposit", build)
