"""From the address of a git repository, and what gives access to it, to a mirror that can be pushed to."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import SplitResult, unquote, urlsplit

from dulwich.client import (
    GitClient,
    SSHGitClient,
    SubprocessSSHVendor,
    Urllib3HttpGitClient,
    default_urllib3_manager,
)

from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.exceptions import InvalidRequestError, MirrorUnavailableError
from airflow_release_plugin.store.mirrors import FolderMirror, Mirror, NetworkMirror

_TIMEOUT = 60.0
"""Seconds that a server may keep silent."""
_SCP = re.compile(r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>[^@/:\s]+):(?P<path>[^\s].*)")
_HOST_KEY_CHECKS = frozenset({"yes", "no", "accept-new", "off"})
_NOBODY = "user"
"""Login beside a token that needs none, as Airflow's own git bundle has it."""


def folder_of(address: str) -> Path | None:
    """The folder that an address names; ``None`` if it is elsewhere."""
    if address.startswith("file://"):
        return Path(unquote(urlsplit(address).path))
    is_elsewhere = "://" in address or (_SCP.fullmatch(address) and not address.startswith(("/", ".", "~")))
    return None if is_elsewhere else Path(address).expanduser()


def mirror_at(address: str, access: GitAccess) -> Mirror:
    """
    The repository at an address: a folder, ``file:``, ``http:``, ``https:``, ``ssh:``, or ``git@host:path``.

    Nothing is asked yet.

    :raises InvalidRequestError: it is no such address
    """
    folder = folder_of(address)
    if folder is not None:
        return FolderMirror(folder)
    found = _parsed(address)
    if not found.hostname or found.hostname.startswith("-") or not found.path.strip("/"):
        raise _no_address(address)
    if found.scheme in {"http", "https"}:
        return NetworkMirror(partial(_http_client, found, access), found.path)
    if found.scheme == "ssh":
        return NetworkMirror(partial(_ssh_client, found, access), unquote(found.path))
    raise _no_address(address)


def _parsed(address: str) -> SplitResult:
    try:
        if "://" in address:
            found = urlsplit(address)
            _ = found.port  # raises where it is no number
            return found
        if scp := _SCP.fullmatch(address):
            user = f"{scp['user']}@" if scp["user"] else ""
            path = scp["path"] if scp["path"].startswith("/") else f"/~/{scp['path']}"
            return urlsplit(f"ssh://{user}{scp['host']}{path}")
    except ValueError as error:
        raise _no_address(address) from error
    raise _no_address(address)


def _no_address(address: str) -> InvalidRequestError:
    # Without what stands before the host: it may be a password
    shown = re.sub(r"[^/@\s]*@", "", address)
    return InvalidRequestError(
        "%(address)r is no address that a mirror can be pushed to; write "
        "https://host/path.git, ssh://git@host/path.git, git@host:path.git, or the path of "
        "a folder.",
        address=shown,
    )


@contextmanager
def _http_client(address: SplitResult, access: GitAccess) -> Iterator[GitClient]:
    login = access.login or unquote(address.username or "")
    password = access.password or unquote(address.password or "")
    host = f"[{address.hostname}]" if ":" in str(address.hostname) else address.hostname
    url = f"{address.scheme}://{host}{f':{address.port}' if address.port else ''}"
    yield Urllib3HttpGitClient(
        url,
        pool_manager=default_urllib3_manager(None, base_url=url, timeout=_TIMEOUT),
        username=login or (_NOBODY if password else None),
        password=password or None,
    )


@contextmanager
def _ssh_client(address: SplitResult, access: GitAccess) -> Iterator[GitClient]:
    with TemporaryDirectory(prefix="airflow-release-") as folder:  # nobody else may look into it (mode 700)
        yield SSHGitClient(
            str(address.hostname),
            port=access.ssh_port or address.port,
            username=unquote(address.username or "") or access.login or None,
            vendor=SubprocessSSHVendor(),
            ssh_command=shlex.join(_ssh_command(access, Path(folder))),
        )


def _ssh_command(access: GitAccess, folder: Path) -> list[str]:
    """
    ``ssh`` that asks nobody, and gives up on a host that is silent.

    :param folder: for what must not be among its arguments, which everybody on the machine can read
    """
    check = access.host_key_check or "accept-new"
    if check not in _HOST_KEY_CHECKS:
        raise MirrorUnavailableError(
            "strict_host_key_checking of the connection is %(check)r; use one of %(known)s.",
            check=check,
            known=sorted(_HOST_KEY_CHECKS),
        )
    options = [
        f"ConnectTimeout={_TIMEOUT:.0f}",
        f"ServerAliveInterval={_TIMEOUT / 4:.0f}",
        "ServerAliveCountMax=4",
        f"StrictHostKeyChecking={check}",
        "PasswordAuthentication=no",
        "KbdInteractiveAuthentication=no",
    ]
    key_file = access.key_file
    if access.private_key:
        key_file = _private(folder / "key", f"{access.private_key.rstrip()}\n")
    if key_file:
        options.append("IdentitiesOnly=yes")
    if access.known_hosts_file:
        options.append(f"UserKnownHostsFile={access.known_hosts_file}")
    if access.proxy_command:
        options.append(f"ProxyCommand={access.proxy_command}")
    if not access.passphrase:
        options.append("BatchMode=yes")
    return [
        *(_answering(access.passphrase, folder) if access.passphrase else ()),
        "ssh",
        *(part for option in options for part in ("-o", option)),
        *(("-F", access.ssh_config_file) if access.ssh_config_file else ()),
        *(("-i", key_file) if key_file else ()),
    ]


def _answering(passphrase: str, folder: Path) -> list[str]:
    """Lets ssh ask a program instead of a person, once."""
    answer = _private(folder / "passphrase", f"{passphrase}\n")
    asked = shlex.quote(str(folder / "asked"))
    script = f"#!/bin/sh\nmkdir {asked} && exec cat {shlex.quote(answer)}\n"
    program = _private(folder / "askpass", script, mode=0o700)
    return ["env", f"SSH_ASKPASS={program}", "SSH_ASKPASS_REQUIRE=force"]


def _private(file: Path, text: str, *, mode: int = 0o600) -> str:
    file.touch(mode=mode)
    file.write_text(text)
    return str(file)
