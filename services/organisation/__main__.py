"""python -m services.organisation."""

from services.organisation.bootstrap import build
from services.organisation.settings import Settings
from shared.runtime.program import build_program

app = build_program("organisation", build, Settings)

if __name__ == "__main__":
    app()
