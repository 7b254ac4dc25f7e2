"""Commit objects as bytes and back: title, body, git trailers. Shared by the stores, so that ids agree."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timezone

from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.store.base import CommitFacts, CommitMessage
from airflow_release_plugin.store.signature import Signer, sign_commit

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_TRAILER = re.compile(rf"({_KEY.pattern}): ?(.*)")
# Lines of a body that git could read as trailers or as the end of the message
_MEANS_SOMETHING = re.compile(r"---|[A-Za-z0-9-]+\s*:|\(cherry picked from")


def _line(text: str) -> str:
    return _CONTROL.sub(" ", text.encode(errors="replace").decode()).strip()


def _body(text: str) -> list[str]:
    lines = [_line(f"|{line}")[1:].rstrip() for line in text.splitlines()]
    kept = [f" {line}" if _MEANS_SOMETHING.match(line) else line for line in lines]
    return "\n".join(kept).strip("\n").split("\n") if any(kept) else []


def render(message: CommitMessage) -> str:
    """
    Return the message as git keeps it.

    Line breaks in title and trailer values become spaces; a body line that git would take for a trailer is
    indented by a space, so that nobody can write an approval into a description.
    """
    title = _line(message.title)
    if not title:
        raise InvalidRequestError("A commit needs a title; give the release one.")
    paragraphs = [title]
    if body := _body(message.body):
        paragraphs.append("\n".join(body))
    trailers = []
    for key, value in message.trailers:
        if not _KEY.fullmatch(key):
            raise InvalidRequestError("%(key)r cannot name a trailer; use letters, digits and '-'.", key=key)
        trailers.append(f"{key}: {_line(value)}".rstrip(" "))
    if trailers:
        paragraphs.append("\n".join(trailers))
    return "\n\n".join(paragraphs) + "\n"


def parse(text: str) -> CommitMessage:
    """Split a message. The last paragraph is the trailers if it is not the title and all its lines are."""
    title, _, rest = text.strip("\n").partition("\n")
    body, _, last = rest.strip("\n").rpartition("\n\n")
    found = [_TRAILER.fullmatch(line) for line in last.split("\n")]
    trailers = tuple((match[1], match[2]) for match in found if match)
    if len(trailers) != len(found):
        return CommitMessage(title=title, body=rest.strip("\n"))
    return CommitMessage(title=title, body=body.strip("\n"), trailers=trailers)


def _signature(author: str, time: datetime) -> str:
    if time.tzinfo is None:
        raise InvalidRequestError("The time of a commit needs a time zone.")
    name = " ".join(re.sub("[<>]", " ", _line(author)).split()) or "unknown"
    address = re.sub(r"[^\w.+-]+", "-", name)
    return f"{name} <{address}@airflow-release> {int(time.timestamp())} +0000"


def encode_commit(
    *,
    tree: str,
    parents: Sequence[str],
    author: str,
    time: datetime,
    message: CommitMessage,
    signer: Signer | None = None,
) -> bytes:
    """Return the content of a git commit object. The same arguments give the same bytes."""
    signature = _signature(author, time)
    head = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    head += [f"author {signature}", f"committer {signature}"]
    content = ("\n".join(head) + "\n\n" + render(message)).encode()
    return sign_commit(content, signer) if signer else content


def decode_commit(raw: bytes) -> CommitFacts:
    """Read a git commit object, also one that was made by hand."""
    head, _, text = raw.decode(errors="replace").partition("\n\n")
    fields = [line.partition(" ")[::2] for line in head.split("\n") if not line.startswith(" ")]
    first = dict(reversed(fields))
    name, _, stamp = first["author"].rpartition(" <")
    message = parse(text)
    return CommitFacts(
        id=hashlib.sha1(b"commit %d\x00" % len(raw) + raw, usedforsecurity=False).hexdigest(),
        tree=first["tree"],
        parents=tuple(value for key, value in fields if key == "parent"),
        title=message.title,
        body=message.body,
        trailers=message.trailers,
        author=name,
        time=datetime.fromtimestamp(int(stamp.split()[-2]), tz=timezone.utc),
    )
