"""An SSH server of one's own that lets one key in, as git servers have it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

from tests.harness.git import git, require_git
from tests.harness.requirements import missing

PASSPHRASE = "open sesame"


@dataclass(frozen=True)
class SshServer:
    """
    :param key: file with the private key that it lets in; ``locked_key``: the same with ``PASSPHRASE``
    :param known_hosts: file with the key of the host
    """

    port: int
    repository: Path
    key: Path
    locked_key: Path
    known_hosts: Path

    @property
    def url(self) -> str:
        """Address of its repository."""
        return f"ssh://{getuser()}@127.0.0.1:{self.port}{self.repository}"


@contextmanager
def ssh_server(root: Path) -> Iterator[SshServer]:
    """A server with one empty repository, for as long as the block."""
    require_git()
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("sshd", "install OpenSSH's server (Debian: openssh-server)")
        return
    root.mkdir(parents=True)
    for name, passphrase in (("host", ""), ("key", "")):
        _keygen(root / name, passphrase)
    shutil.copy(root / "key", root / "locked")
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-N", PASSPHRASE, "-f", str(root / "locked")],
        check=True,
        capture_output=True,
    )
    repository = root / "prod.git"
    git(root, "init", "--quiet", "--bare", "--initial-branch", "prod", "prod.git")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = root / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {root / 'host'}\nPidFile {root / 'pid'}\n"
        f"AuthorizedKeysFile {root / 'key.pub'}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
    )
    (root / "known_hosts").write_text(f"[127.0.0.1]:{port} {(root / 'host.pub').read_text()}")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield SshServer(port, repository, root / "key", root / "locked", root / "known_hosts")
    finally:
        process.terminate()
        process.wait()


def _keygen(file: Path, passphrase: str) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(file)],
        check=True,
        capture_output=True,
    )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"sshd ended with {process.returncode}")
