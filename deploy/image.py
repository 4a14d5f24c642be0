"""Entry point of the image: runs its one service, or checks its liveness.

python -m deploy.image          the service, as `python -m services.<name>` would
python -m deploy.image live     liveness check: exit 0 when the service answers 200, else 1

The environment variable `SERVICE` names the service. It is read here because the image has no shell
that could expand it in a command.
"""

import http.client
import os
import runpy
import sys

_TIMEOUT_S = 2


def main() -> None:
    """Run the service with the arguments, or check its liveness when `live` is the only one."""
    if sys.argv[1:] == ["live"]:
        sys.exit(0 if _is_live() else 1)
    # `SERVICE` and `AIGUILLAGE_PORT` are read without pydantic: the liveness check must be cheap.
    runpy.run_module(f"services.{os.environ['SERVICE']}", run_name="__main__", alter_sys=True)  # noqa: TID251


def _is_live() -> bool:
    port = int(os.environ.get("AIGUILLAGE_PORT", "8000"))  # noqa: TID251
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
