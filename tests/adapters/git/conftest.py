"""Real repositories, each made in its own folder."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from labnb.adapters.git import GitCodeStore
from labnb.model.redaction import Finding
from tests.needs import need

SECRET = "hush-4f9a-not-to-be-kept"


class WordScanner:
    """Finds one word: a scanner as a test wants it."""

    version = "words-1"

    def __init__(self) -> None:
        self.scanned: list[str] = []

    def scan(self, text: str) -> tuple[Finding, ...]:
        self.scanned.append(text)
        lines = text.splitlines()
        return tuple(Finding("word", number, SECRET) for number, line in enumerate(lines, 1) if SECRET in line)


@dataclass
class Repo:
    """A repository and what tests ask of it."""

    path: Path

    def git(self, *args: str, cwd: Path | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *args],
            cwd=cwd or self.path,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_SYSTEM": os.devnull,
                "GIT_AUTHOR_NAME": "Ada",
                "GIT_AUTHOR_EMAIL": "ada@example.org",
                "GIT_COMMITTER_NAME": "Ada",
                "GIT_COMMITTER_EMAIL": "ada@example.org",
            },
            capture_output=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {args}: {done.stderr.decode()}")
        return done.stdout.decode("utf-8", "surrogateescape").strip("\n")

    def write(self, name: str, content: str | bytes = "x = 1\n") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def store(self, scanner: WordScanner | None = None, **limits: int) -> GitCodeStore:
        return GitCodeStore(self.path, scanner, private=self.path / ".labnb" / "code", **limits)

    def visible(self) -> dict[str, object]:
        """Everything that a snapshot must not change."""
        git_dir = self.path / self.git("rev-parse", "--git-dir")
        files = {
            str(path.relative_to(self.path)): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(self.path.rglob("*"))
            if ".git" not in path.parts and ".labnb" not in path.parts
        }
        refs = self.git("for-each-ref").splitlines()
        return {
            "HEAD": (git_dir / "HEAD").read_bytes(),
            "index": (git_dir / "index").read_bytes() if (git_dir / "index").exists() else None,
            "refs": [line for line in refs if "refs/labnb/" not in line],
            "config": (git_dir / "config").read_bytes() if (git_dir / "config").exists() else None,
            "files": files,
            "folder": sorted(path.name for path in git_dir.iterdir()),
        }

    def kept(self, snapshot: str | None, name: str) -> bytes:
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{snapshot}:{name}"], cwd=self.path, capture_output=True, check=True
        )
        return done.stdout

    def names(self, snapshot: str | None) -> set[str]:
        assert snapshot
        return set(self.store().recorded_files(snapshot))


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests; identity in particular must not be needed."""
    need("git")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit, two files and labnb's own folder ignored as labnb does it."""
    made = Repo(tmp_path / "work")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    made.write("train.py", "lr = 0.1\n")
    made.write("lib/model.py", "layers = 3\n")
    made.write(".gitignore", "*.log\n")
    made.commit()
    made.write(".labnb/.gitignore", "*\n")
    return made


@pytest.fixture
def is_digest() -> Callable[[str | None], bool]:
    """Whether a text names a git object."""
    return lambda text: text is not None and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) is not None
