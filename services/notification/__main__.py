"""python -m services.notification."""

from services.notification.bootstrap import build
from shared.runtime.service import run

if __name__ == "__main__":
    run("notification", build)
