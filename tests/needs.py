"""The programs outside Python that tests work with: `make test` installs them, `need` finds them.

Where one is missing, the tests that need it are skipped and name its package; with CI=true they fail,
because a missing real part would make the whole suite say less than it seems to.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest


@dataclass(frozen=True)
class Need:
    """One Debian package and the commands by which it is recognised, the first found winning."""

    package: str
    commands: tuple[str, ...]
    variable: str = ""

    def find(self) -> str | None:
        if self.variable and (told := os.environ.get(self.variable)):
            return told
        found = (shutil.which(name) or (name if name.endswith(".so") else None) for name in self.commands)
        return next((path for path in found if path), None)


_MYSQL_PLUGIN = "*/slurm*/accounting_storage_mysql.so"
NEEDS = {
    "chromium": Need("chromium", ("chromium", "chromium-browser", "google-chrome"), "LABNB_CHROMIUM"),
    "bindfs": Need("bindfs", ("bindfs",)),
    "git": Need("git", ("git",)),
    "mariadb": Need("mariadb-server-core", ("mariadbd", "/usr/sbin/mariadbd")),
    "mariadb-client": Need("mariadb-client-core", ("mariadb",)),
    "munge": Need("munge", ("munged", "/usr/sbin/munged")),
    "strace": Need("strace", ("strace",)),
    "postgresql": Need("postgresql", ("pg_ctl", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))))),
    "slurm": Need("slurm-wlm", ("sbatch",)),
    "slurmdbd": Need("slurmdbd", ("slurmdbd", "/usr/sbin/slurmdbd")),
    "slurm-mysql": Need("slurm-wlm-mysql-plugin", tuple(map(str, Path("/usr/lib").glob(_MYSQL_PLUGIN)))),
    "sshd": Need("openssh-server", ("sshd", "/usr/sbin/sshd")),
    "unshare": Need("util-linux", ("unshare",)),
}


def need(name: str) -> str:
    """The path of a program; skip the test that asks where it is missing, or fail it in CI."""
    found = NEEDS[name].find()
    if not found:
        lacking(f"{name} is missing: apt-get install {NEEDS[name].package}")
    return found


def lacking(message: str) -> NoReturn:
    """Skip the test that lacks a real part; fail it in CI."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(message)
    pytest.skip(message)


def install_missing() -> int:
    """Install what is missing, where that can be done without asking: as root, with apt."""
    missing = [wanted.package for wanted in NEEDS.values() if not wanted.find()]
    if not missing:
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"  tests that need these are skipped: {', '.join(missing)}")
        return 0
    print(f"  installing {', '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        done = subprocess.run(
            ["apt-get", "-qq", *command],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"  apt-get {command[0]} failed: {done.stderr.strip()[-400:]}", file=sys.stderr)
            return 0 if os.environ.get("CI", "") == "" else 1
    return 0


if __name__ == "__main__":
    sys.exit(install_missing())
