"""The memory of digests on file systems that machines share."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from labnb.runfolder.mounts import MOUNTS_VARIABLE
from labnb.runfolder.stat_cache import Signature, StatCache

NOW = time.time_ns()
FILE = ("data.csv", Signature(1, 2, NOW - 10**11, NOW - 10**11), "0" * 32)


@pytest.mark.parametrize(("kind", "own"), [("ext4", False), ("nfs4", True)])
def test_each_machine_has_its_own_where_they_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, own: bool
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"1 0 8:1 / / rw - {kind} x rw\n")
    monkeypatch.setenv(MOUNTS_VARIABLE, str(table))
    (tmp_path / "cache").mkdir()
    caches = [StatCache(tmp_path / "cache" / "stat.db")]
    caches[0].put([FILE], NOW)
    caches[0].close()
    monkeypatch.setattr(socket, "gethostname", lambda: "another.example")
    caches.append(StatCache(tmp_path / "cache" / "stat.db"))
    assert caches[1].get([FILE[:2]]) == ({} if own else {"data.csv": "0" * 32})
    caches[1].put([FILE], NOW)
    caches[1].close()
    names = {path.name for path in (tmp_path / "cache").glob("*.db")}
    assert ("stat-another-example.db" in names) is own
    assert len(names) == (2 if own else 1)
