"""Fifty kills at random moments of each of add, checkout, push and pull."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.adapters.dvc.killing import Killing


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", ["add", "checkout", "push", "pull"])
def test_fifty_kills(tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "no-global"))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site-cache"))
    seed = int(os.environ.get("LABNB_SEED") or random.randrange(1 << 30))
    killing = Killing(tmp_path, seed)
    in_time = sum(killing.trial(what) for _ in range(50))
    print(f"{what}: {in_time} of 50 were killed at work (seed {seed})")
    assert in_time >= 15, "the kills come too late to say anything"
