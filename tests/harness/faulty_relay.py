"""A relay between a client and a server that breaks what passes: a network that is not to be trusted."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What the server said, to be changed by a fault before it goes on."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    cut_after: int | None = None


Fault = Callable[[str, Answer], None]
"""Changes the answer to a request for a path in place."""


@dataclass
class Relay:
    """
    :param url: where it listens
    :param faults: taken one by one, one for each answer; without any left, answers pass unchanged
    :param paths: every path that was asked for, with its query
    """

    url: str
    faults: list[Fault] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def asked(self, part: str) -> list[str]:
        return [path for path in self.paths if part in path]


@contextmanager
def relay_to(target: str) -> Iterator[Relay]:
    """Relay to the server at ``target`` (``http://host:port``)."""
    host = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            server = http.client.HTTPConnection(host, timeout=60)
            server.request(self.command, self.path, body, dict(self.headers))
            response = server.getresponse()
            headers = [
                (name, value)
                for name, value in response.getheaders()
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}
            ]
            answer = Answer(response.status, headers, response.read())
            server.close()
            relay.paths.append(self.path)
            if relay.faults and "/versions" in self.path:
                relay.faults.pop(0)(self.path, answer)
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut_after])
            if answer.cut_after is not None:
                self.close_connection = True

        do_GET = do_POST = _relay

        def log_message(self, format: str, *args: Any) -> None:
            return

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    relay = Relay(f"http://127.0.0.1:{listener.server_port}")
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join(10)
