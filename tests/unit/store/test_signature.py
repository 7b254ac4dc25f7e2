"""Signed commits: exactly as git itself signs, and what git says of them."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from airflow_release_plugin.domain.tree.files import REGULAR, TreeChange
from airflow_release_plugin.store.bare_repository import create_repository
from airflow_release_plugin.store.base import CommitMessage
from airflow_release_plugin.store.message import decode_commit
from airflow_release_plugin.store.objects import GitObject, ObjectKind
from airflow_release_plugin.store.release_store import ReleaseStore
from airflow_release_plugin.store.signature import is_signed, openssh_key
from airflow_release_plugin.transfer.attestation import SigningKey
from tests.harness.bundles import KEY, OTHER_KEY
from tests.harness.git import git, require_git, run_git

pytestmark = pytest.mark.req("R87")
NOON = datetime(2026, 9, 21, 12, 0, 0, tzinfo=timezone.utc)
MESSAGE = CommitMessage("Orders", "Adds orders.", (("Release", "R-000001"), ("Approved-by", "Grüße")))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    require_git()
    return tmp_path / "store.git"


@pytest.fixture
def store(repository: Path) -> ReleaseStore:
    return create_repository(repository)


def commit(store: ReleaseStore, signer: SigningKey | None, parent: str | None = None) -> str:
    written = store.write_files({"etl.py": (REGULAR, b"x = 1\n" if parent is None else b"x = 2\n")})
    changes = [TreeChange(entry.path, entry) for entry in written]
    return store.commit(
        parent=parent, changes=changes, message=MESSAGE, author="Ada L", time=NOON, signer=signer
    )


def verify(repository: Path, tmp_path: Path, commit_id: str, *keys: SigningKey) -> tuple[int, str]:
    """Exit code and words of ``git verify-commit`` for somebody who lists these keys."""
    listed = tmp_path / "allowed_signers"
    listed.write_text("".join(f'prod namespaces="git" {openssh_key(key.public_key)}\n' for key in keys))
    done = run_git(repository, "-c", f"gpg.ssh.allowedSignersFile={listed}", "verify-commit", commit_id)
    return done.returncode, done.stderr


def test_the_bytes_are_those_that_git_itself_writes(
    repository: Path, store: ReleaseStore, tmp_path: Path
) -> None:
    first = commit(store, KEY)
    second = commit(store, KEY, parent=first)
    private = serialization.load_pem_private_key(KEY.to_pem(), password=None)
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    plain = run_git(repository, "cat-file", "commit", second).stdout
    stamp = {"NAME": "Ada L", "EMAIL": "Ada-L@airflow-release", "DATE": f"{int(NOON.timestamp())} +0000"}

    made = git(
        repository,
        *("-c", "gpg.format=ssh", "-c", f"user.signingKey={file}"),
        *("commit-tree", "-S", f"{second}^{{tree}}", "-p", first),
        stdin=plain.partition("\n\n")[2].encode(),
        **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in stamp.items()},
    )

    assert made == second


def test_git_finds_the_signature_good(repository: Path, store: ReleaseStore, tmp_path: Path) -> None:
    commit_id = commit(store, KEY)

    code, words = verify(repository, tmp_path, commit_id, OTHER_KEY, KEY)

    assert code == 0
    assert 'Good "git" signature for prod with ED25519 key' in words
    assert git(repository, "fsck", "--strict", "--no-dangling") == ""


@pytest.mark.parametrize(("old", "new"), [(b"Orders", b"Others"), (b"author Ada", b"author Eve")])
def test_git_refuses_a_commit_that_was_changed(
    repository: Path, store: ReleaseStore, tmp_path: Path, old: bytes, new: bytes
) -> None:
    content = store.commit_content(commit(store, KEY))
    changed = git(
        repository, "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.replace(old, new, 1)
    )

    code, words = verify(repository, tmp_path, changed, KEY)

    assert changed != GitObject(ObjectKind.COMMIT, content).id
    assert code != 0
    assert "incorrect signature" in words


def test_git_refuses_a_key_that_is_not_listed(repository: Path, store: ReleaseStore, tmp_path: Path) -> None:
    code, words = verify(repository, tmp_path, commit(store, KEY), OTHER_KEY)

    assert code != 0
    assert "No principal matched" in words


def test_git_refuses_a_commit_without_a_signature(
    repository: Path, store: ReleaseStore, tmp_path: Path
) -> None:
    assert verify(repository, tmp_path, commit(store, None), KEY)[0] != 0


def test_a_signature_changes_the_id_and_nothing_that_people_read(store: ReleaseStore) -> None:
    signed, plain = commit(store, KEY), commit(store, None)
    facts, plain_facts = store.commit_facts(signed), store.commit_facts(plain)

    assert signed != plain
    assert signed == commit(store, KEY)
    assert (facts.title, facts.body, facts.trailers, facts.author, facts.time, facts.tree) == (
        plain_facts.title,
        plain_facts.body,
        plain_facts.trailers,
        plain_facts.author,
        plain_facts.time,
        plain_facts.tree,
    )


def test_words_of_a_message_are_no_signature(store: ReleaseStore) -> None:
    commit_id = store.commit(
        parent=None,
        changes=[],
        message=CommitMessage("gpgsig -----BEGIN SSH SIGNATURE-----", "gpgsig of somebody"),
        author="gpgsig x",
        time=NOON,
    )

    assert is_signed(store.commit_content(commit_id)) is False
    assert is_signed(store.commit_content(commit(store, KEY))) is True
    assert decode_commit(store.commit_content(commit_id)).body == "gpgsig of somebody"
