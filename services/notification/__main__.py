"""python -m services.notification."""

from services.notification.bootstrap import build
from services.notification.settings import Settings
from shared.runtime.program import build_program

app = build_program("notification", build, Settings)

if __name__ == "__main__":
    app()
