"""Looks into files (`ports.content_reader`): in a child with limits, so that no file can harm who looks into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from labnb.model.data_diff import TableSummary
from labnb.model.preview import Preview, size_text

#: A decoder that meets a damaged or hostile file may hang, crash or ask for all memory: the child does, not we.
PREVIEW_SECONDS = 20.0
SUMMARY_SECONDS = 120.0
_ANSWER = 16_000_000
_CHILD = "import sys; from labnb.adapters.tables.child import main; sys.exit(main(sys.argv[1:]))"
_ONE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")


class FileReader:
    """The content reader on pandas, pyarrow, pillow, NumPy and h5py, as far as those are installed."""

    def preview(self, path: Path, name: str, rows: int = 20) -> Preview:
        """Show a file's beginning; see the port."""
        size = _size(path)
        if size is None:
            return Preview(name, "other", note=f"{path} cannot be read")
        answer, why = _ask("preview", path, name, rows, PREVIEW_SECONDS)
        if answer is None:
            return Preview(name, "other", {"size": size_text(size)}, note=f"it cannot be shown: {why}")
        return Preview.from_json(answer)

    def summary(self, path: Path, name: str) -> TableSummary | None:
        """Summarise a table; see the port."""
        answer, _ = _ask("summary", path, name, 0, SUMMARY_SECONDS)
        return TableSummary.from_json(answer) if answer else None


def _ask(what: str, path: Path, name: str, rows: int, seconds: float) -> tuple[dict[str, Any] | None, str]:
    command = [sys.executable, "-c", _CHILD, what, os.path.abspath(path), name, str(rows)]
    env = {**os.environ, **dict.fromkeys(_ONE, "1"), "ARROW_DEFAULT_MEMORY_POOL": "system", "PYTHONSAFEPATH": "1"}
    # No run of a cell is meant by what is looked at here.
    env.pop("LABNB_RUN", None)
    with tempfile.TemporaryDirectory(prefix="labnb-look-") as folder:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=env,
                capture_output=True,
                timeout=seconds,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None, f"reading took more than {seconds:.0f} s"
        except (OSError, ValueError) as error:
            return None, str(error)
    if done.returncode < 0:
        return None, f"its reader was ended by signal {-done.returncode}"
    if done.returncode or len(done.stdout) > _ANSWER:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return None, said[-1][:300] if said else f"its reader ended with {done.returncode}"
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return None, "its reader gave no answer"
    return (answer, "") if isinstance(answer, dict) else (None, "it is no table")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
