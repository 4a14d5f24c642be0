"""What an image runs: its one service, or a look at whether that service answers.

python -m deploy.image          the service, as `python -m services.<name>` would
python -m deploy.image live     exit 0 when it answers

The image names its service in `SERVICE`: there is no shell in between to read it.
"""

import http.client
import os
import runpy
import sys

_PATIENCE_S = 2


def main() -> None:
    """Do what the first argument says; the service takes any other arguments as its own."""
    if sys.argv[1:] == ["live"]:
        sys.exit(0 if _is_live() else 1)
    # Read without pydantic: the settings are the service's, and a look must cost little.
    runpy.run_module(f"services.{os.environ['SERVICE']}", run_name="__main__", alter_sys=True)  # noqa: TID251


def _is_live() -> bool:
    port = int(os.environ.get("AIGUILLAGE_PORT", "8000"))  # noqa: TID251
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
