"""python -m services.support; with `ask "…"`, the virtual agent's answer to a question."""

import sys

from services.support.bootstrap import asked, build
from shared.runtime.service import run

if __name__ == "__main__":
    if sys.argv[1:2] == ["ask"]:
        sys.stdout.write(asked(" ".join(sys.argv[2:])))
    else:
        run("support", build)
