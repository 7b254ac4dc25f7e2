"""Network namespaces and two networks: one for everybody, and one for who may see the database."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

FRONT, DATA = "front", "data"
PREFIX = f"release{os.getpid()}"
_DESK = f"desk{os.getpid()}"
"""The cable from this machine to the front network; names of cables have 15 characters at most."""


@dataclass
class Network:
    """
    A switch with two networks, and hosts on one of them or on both.

    The switch is in a namespace of its own, so that no firewall of this machine has a say. Nothing leads from
    one network to the other: hosts have no route but to their neighbours. This machine is on the front one.
    """

    # 198.18.0.0/15 is set aside for tests; the number keeps two clusters on one machine apart.
    front: str = field(default_factory=lambda: f"198.18.{os.getpid() % 254 + 1}")
    data: str = "198.19.0"
    hosts: dict[str, int] = field(default_factory=dict)

    @property
    def desk(self) -> str:
        """This machine's own address on the front network."""
        return f"{self.front}.1"

    def open(self) -> None:
        """Make the switch and this machine's cable to it, once what a killed test run left is gone."""
        _sweep()
        _ip("netns", "add", _namespace("switch"))
        for network in (FRONT, DATA):
            _in_switch("link", "add", network, "type", "bridge")
            _in_switch("link", "set", network, "up")
        _ip("link", "add", _DESK, "type", "veth", "peer", "name", "desk", "netns", _namespace("switch"))
        _plug("desk", FRONT)
        _ip("address", "add", f"{self.desk}/24", "dev", _DESK)
        _ip("link", "set", _DESK, "up")

    def close(self) -> None:
        """Remove every namespace, and with them their cables."""
        for name in [*self.hosts, "switch"]:
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", _namespace(name))

    def add(self, name: str, networks: Sequence[str]) -> None:
        """Add a host with an address on each of the networks."""
        number = 10 + len(self.hosts)
        self.hosts[name] = number
        _ip("netns", "add", _namespace(name))
        _ip("-netns", _namespace(name), "link", "set", "lo", "up")
        for network in networks:
            port = f"{network}{number}"
            _in_switch(
                "link", "add", port, "type", "veth", "peer", "name", network, "netns", _namespace(name)
            )
            _plug(port, network)
            address = f"{self.address(name, network)}/24"
            _ip("-netns", _namespace(name), "address", "add", address, "dev", network)
            _ip("-netns", _namespace(name), "link", "set", network, "up")

    def address(self, name: str, network: str = FRONT) -> str:
        """Address of a host on a network."""
        return f"{self.front if network == FRONT else self.data}.{self.hosts[name]}"

    def entering(self, name: str) -> list[str]:
        """How a command begins that is to run on a host, with mounts of its own."""
        return ["ip", "netns", "exec", _namespace(name)]

    def kill_all(self, name: str) -> None:
        """Kill every process on a host."""
        _kill_all(_namespace(name))


def why_not() -> str | None:
    """What keeps this machine from having networks like that; ``None`` if nothing does."""
    if os.geteuid() != 0:
        return "root, who alone may make network namespaces,"
    needed = ("ip", "unshare", "setpriv", "hostname")
    if lacking := [program for program in needed if shutil.which(program) is None]:
        return " and ".join(lacking)
    try:
        _ip("netns", "add", _namespace("probe"))
        _ip("netns", "delete", _namespace("probe"))
    except subprocess.CalledProcessError as error:
        return f"the right to make network namespaces ({error.stderr.strip()})"
    return None


def _sweep() -> None:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    for namespace, run in re.findall(r"^(release(\d+)-[a-z0-9-]+)", listed.stdout, re.MULTILINE):
        if not Path(f"/proc/{run}").exists():
            _kill_all(namespace)
            _ip("netns", "delete", namespace)


def _kill_all(namespace: str) -> None:
    while alive := _processes(namespace):
        for number in alive:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def _processes(namespace: str) -> list[int]:
    done = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
    return [int(number) for number in done.stdout.split()]


def _namespace(name: str) -> str:
    return f"{PREFIX}-{name}"


def _in_switch(*arguments: str) -> None:
    _ip("-netns", _namespace("switch"), *arguments)


def _plug(port: str, network: str) -> None:
    _in_switch("link", "set", port, "master", network)
    _in_switch("link", "set", port, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
