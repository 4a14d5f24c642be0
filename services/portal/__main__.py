"""python -m services.portal."""

from services.portal.bootstrap import build
from shared.runtime.service import run

if __name__ == "__main__":
    run("portal", build)
