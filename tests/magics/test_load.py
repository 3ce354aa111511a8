"""`%load_ext labnb` is light: nothing heavy is imported until a record needs it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from IPython.core.interactiveshell import InteractiveShell
import threading
threading.Thread.start = lambda self: None  # what loads beside the cells is not part of loading
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "labnb")
shell.run_line_magic("load_ext", "labnb")
print(*sorted(set(sys.modules) - before), sep="\\n")
"""
HEAVY = ("mlflow", "dvc", "pandas", "plotly", "numpy", "psutil", "sqlite3", "detect_secrets", "yaml")


def test_loading_imports_little() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert [name for name in loaded if name.startswith(HEAVY)] == []
    assert len([name for name in loaded if name.startswith("labnb")]) < 20
