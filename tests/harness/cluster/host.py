"""A host of the cluster: a network, a name, a user, and a folder that no other host sees."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness.cluster.network import Network

FIRST_USER = 71_000
_GROUP = 65_534
# Every host has its folder at the same path, and another's nowhere; /etc tells it who the others are.
_MOVE_IN = """
set -e
hostname "$1"
mount --bind "$2" "$3"
mount -t tmpfs none "$4"
mount --bind "$5/hosts" /etc/hosts
mount --bind "$5/passwd" /etc/passwd
cd "$3"
shift 5
exec "$@"
"""
# Only reads what others may not, as Python itself below /root; what a host must not see is not mounted.
_AS_USER = ("--clear-groups", "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")


@dataclass
class Place:
    """The folders of a cluster."""

    folder: Path

    @property
    def home(self) -> Path:
        """Where each host finds its own folder."""
        return self.folder / "home"

    @property
    def machines(self) -> Path:
        """Where this machine finds them all."""
        return self.folder / "machines"

    @property
    def etc(self) -> Path:
        """Names and users."""
        return self.folder / "etc"

    def prepare(self) -> None:
        """Make them."""
        for folder in (self.home, self.machines, self.etc):
            folder.mkdir()

    def write_names(self, network: Network, names: Mapping[str, str]) -> None:
        """Tell all hosts each other's names, and addresses of ``names``."""
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names.items())]
        (self.etc / "hosts").write_text("\n".join(lines) + "\n")
        users = [
            f"{name}:x:{FIRST_USER + number}:{_GROUP}::{self.home}:/bin/sh"
            for name, number in network.hosts.items()
        ]
        known = Path("/etc/passwd").read_text().splitlines()
        (self.etc / "passwd").write_text("\n".join([*known, *users]) + "\n")


@dataclass
class Host:
    """
    One host; what runs there is started and ended by process id.

    :param environment: complete environment of what runs there
    """

    name: str
    place: Place
    network: Network
    environment: Mapping[str, str]
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Its folder, seen from this machine."""
        return self.place.machines / self.name

    @property
    def user(self) -> int:
        """Whom it runs everything as."""
        return FIRST_USER + self.network.hosts[self.name]

    def prepare(self) -> None:
        """Make its folder, closed to all others."""
        self.folder.mkdir(mode=0o700)
        for name in ("logs", "tmp"):
            (self.folder / name).mkdir()
        self.own()

    def own(self) -> None:
        """Give everything in its folder to its user."""
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, self.user, _GROUP, follow_symlinks=False)

    def log(self, component: str) -> Path:
        """What a component wrote."""
        return self.folder / "logs" / f"{component}.log"

    def run(self, *command: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command there to its end, whatever that is."""
        return subprocess.run(
            self._entering(command),
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def start(self, component: str, *command: str) -> None:
        """Start a component."""
        with self.log(component).open("ab") as output:
            self._running[component] = subprocess.Popen(
                self._entering(command),
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill everything that runs there, as a power failure would."""
        self.network.kill_all(self.name)
        for process in self._running.values():
            process.wait()
        self._running.clear()

    def failed(self) -> dict[str, int]:
        """Exit codes of components that ended although nobody ended them."""
        codes = {name: process.poll() for name, process in self._running.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def forget(self, *folders: str) -> None:
        """Delete folders of it, as far as they are there."""
        for folder in folders:
            if (self.folder / folder).exists():
                shutil.rmtree(self.folder / folder)

    def _entering(self, command: Sequence[str]) -> list[str]:
        place = self.place
        paths = [str(path) for path in (self.folder, place.home, place.machines, place.etc)]
        user = [f"--reuid={self.user}", f"--regid={_GROUP}", *_AS_USER]
        entering = [*self.network.entering(self.name), "unshare", "--uts", "sh", "-c", _MOVE_IN, "sh"]
        return [*entering, self.name, *paths, "setpriv", *user, *command]
