"""python -m services.portal."""

from services.portal.bootstrap import build
from services.portal.settings import Settings
from shared.runtime.program import build_program

app = build_program("portal", build, Settings)

if __name__ == "__main__":
    app()
