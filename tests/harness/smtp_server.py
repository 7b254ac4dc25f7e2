"""A mail server on 127.0.0.1 that keeps what it is sent."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string
from email.message import Message
from threading import Thread

_ANSWERS = {"EHLO": "250 test", "HELO": "250 test", "QUIT": "221 bye"}


class _Session(socketserver.StreamRequestHandler):
    """One connection: as much of SMTP as a client without encryption and login speaks."""

    server: _Server

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline():
            command = line.decode().strip()[:4].upper()
            if command == "DATA":
                self._say("354 go on")
                self.server.mails.append(message_from_string(self._data()))
            self._say(_ANSWERS.get(command, "250 ok"))
            if command == "QUIT":
                return

    def _data(self) -> str:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(lines).decode()

    def _say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    mails: list[Message]


@dataclass
class Mailbox:
    """Where the server listens, and what it got."""

    port: int
    mails: list[Message] = field(default_factory=list)


@contextmanager
def smtp_server() -> Iterator[Mailbox]:
    """A running server on a free port."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        mailbox = Mailbox(server.server_address[1])
        server.mails = mailbox.mails
        Thread(target=server.serve_forever, daemon=True).start()
        yield mailbox
        server.shutdown()
