"""How a git repository is reached, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class GitAccess:
    """
    What an Airflow connection of type ``git`` says; empty for what it does not say.

    :param url: of the repository
    :param private_key: itself, or ``key_file`` with it; ``passphrase`` opens either
    :param host_key_check: ``yes``, ``no``, ``accept-new`` or ``off``, as OpenSSH understands it
    """

    url: str = ""
    login: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    key_file: str = ""
    passphrase: str = field(default="", repr=False)
    host_key_check: str = ""
    known_hosts_file: str = ""
    ssh_config_file: str = ""
    proxy_command: str = ""
    ssh_port: int | None = None
