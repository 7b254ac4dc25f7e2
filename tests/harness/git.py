"""The real git, as people use it beside the product, without anybody's settings."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.harness.requirements import missing


def require_git() -> None:
    """Skip, or fail on CI, unless git and ssh-keygen are there."""
    for program in ("git", "ssh-keygen"):
        if shutil.which(program) is None:
            missing(program, "install git and OpenSSH (Debian: git openssh-client)")


def run_git(
    folder: Path, *arguments: str, stdin: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[str]:
    """``git -C folder …``, whatever comes of it."""
    nobody = {
        f"GIT_{role}_{what}": "somebody@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    return subprocess.run(
        ["git", "-C", str(folder), "-c", "protocol.file.allow=always", *arguments],
        input=stdin.decode(),
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            **nobody,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
            **variables,
        },
    )


def git(folder: Path, *arguments: str, stdin: bytes = b"", **variables: str) -> str:
    """What ``git -C folder …`` prints; it must succeed."""
    done = run_git(folder, *arguments, stdin=stdin, **variables)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout.strip()


def push_as_somebody(
    repository: Path, workspace: Path, *, branch: str = "prod", path: str = "theirs.py"
) -> str:
    """Let somebody push a commit of their own to a branch; return its id."""
    git(repository.parent, "clone", "--quiet", "--branch", branch, str(repository), str(workspace))
    (workspace / path).write_text("x = 1\n")
    git(workspace, "add", path)
    git(workspace, "commit", "--quiet", "--message", "by somebody else")
    git(workspace, "push", "--quiet", "origin", branch)
    return git(workspace, "rev-parse", "HEAD")
