"""Somebody else's HTTP server: notes the key of each call, and holds its answers until told.

python -m tests.integration.runtime.calls_server FILE
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_released = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        if self.path == "/release":
            _released.set()
        else:
            with Path(sys.argv[1]).open("a") as received:
                received.write(self.headers["Idempotency-Key"] + "\n")
            _released.wait()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
