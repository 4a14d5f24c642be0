"""python -m services.portal."""

from services.portal.bootstrap import build
from services.portal.settings import Settings
from shared.runtime.program import program

app = program("portal", build, Settings)

if __name__ == "__main__":
    app()
