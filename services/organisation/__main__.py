"""python -m services.organisation."""

from services.organisation.bootstrap import build
from shared.runtime.service import run

if __name__ == "__main__":
    run("organisation", build)
