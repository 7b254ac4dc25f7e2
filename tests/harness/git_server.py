"""A git server of one's own: ``git http-backend`` behind a login, as forges have it."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.harness.git import git, require_git

LOGIN, TOKEN = "mirror", "s3cr3t/tok+en"


@dataclass
class GitServer:
    """
    Serves bare repositories below a folder.

    :param down: answers nothing but 502
    :param requests: methods and paths in order
    """

    root: Path
    port: int = 0
    down: bool = False
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Address of the repository ``prod.git``."""
        return f"http://127.0.0.1:{self.port}/team/prod.git"

    @property
    def repository(self) -> Path:
        """Its folder."""
        return self.root / "team" / "prod.git"


@contextmanager
def git_server(root: Path) -> Iterator[GitServer]:
    """A server with one empty repository, for as long as the block."""
    require_git()
    server = GitServer(root)
    server.repository.mkdir(parents=True)
    git(server.repository, "init", "--quiet", "--bare", "--initial-branch", "prod")
    with _Http(server) as http:
        server.port = http.server_port
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _serve(self, body: bytes) -> None:
        self.server.git_server.requests.append(f"{self.command} {self.path}")
        wanted = base64.b64encode(f"{LOGIN}:{TOKEN}".encode()).decode()
        if self.server.git_server.down:
            self._answer(502, [], b"bad gateway")
        elif self.headers.get("Authorization") != f"Basic {wanted}":
            self._answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        else:
            self._answer(*self._git(body))

    def _git(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(self.server.git_server.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "REMOTE_USER": LOGIN,
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        return status, [(name, value) for name, value in headers if name != "Status"], content

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(content)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class _Http(ThreadingHTTPServer):
    def __init__(self, git_server: GitServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.git_server = git_server
