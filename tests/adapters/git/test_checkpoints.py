"""Jupyter's own copies of notebooks are no part of the code."""

from __future__ import annotations

import subprocess
from pathlib import Path

from labnb.adapters.git import GitCodeStore


def test_checkpoints_make_no_change(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git = ["git", "-C", str(project), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    (project / "a.py").write_text("1\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    (project / ".ipynb_checkpoints").mkdir()
    (project / ".ipynb_checkpoints" / "a-checkpoint.ipynb").write_text("{}")
    store = GitCodeStore(project, None, private=tmp_path / "private")
    code, _ = store.snapshot("a" * 32)
    assert not code.dirty
    assert code.snapshot == code.commit
    (project / "b.py").write_text("2\n")
    code, _ = store.snapshot("b" * 32)
    assert code.dirty
    assert sorted(store.recorded_files(str(code.snapshot))) == ["a.py", "b.py"]
