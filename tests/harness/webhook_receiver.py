"""A receiver of webhooks on 127.0.0.1 that answers as a test wants, and keeps what it got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Receiver:
    """
    Where it listens, how it answers, and what it got.

    :param headers: of its answers, such as ``Location``
    """

    port: int = 0
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver(status: int = 204, **headers: str) -> Iterator[Receiver]:
    """A running receiver on a free port."""
    kept = Receiver(status=status, headers=headers)

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.got.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(kept.status)
            for name, value in kept.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on the error output of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        kept.port = server.server_address[1]
        Thread(target=server.serve_forever, daemon=True).start()
        yield kept
        server.shutdown()
