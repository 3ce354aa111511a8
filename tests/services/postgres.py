"""A PostgreSQL cluster of one's own: in a private folder, on loopback, as a user that is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from tests.needs import need
from tests.services.mlflow_server import free_port


class Postgres:
    """Started on entry, gone on exit; `database(name)` makes one and gives its SQLAlchemy address."""

    def __init__(self) -> None:
        self._bin = Path(need("postgresql")).resolve().parent
        self.port = free_port()

    def __enter__(self) -> Postgres:
        # pytest's own folders cannot be entered by others.
        self._folder = Path(tempfile.mkdtemp(prefix="labnb-pg-"))
        self._user: pwd.struct_passwd | None = None
        if os.geteuid() == 0:  # the server refuses to run as root
            self._user = pwd.getpwnam("postgres")
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync")
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -c fsync=off"
        self._run("pg_ctl", "-D", str(data), "-o", options, "-l", str(self._folder / "log"), "-w", "start")
        return self

    def database(self, name: str) -> str:
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        done = subprocess.run(
            [str(self._bin / program), *words],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            **who,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stderr
