"""The layers of the design: imports go down only, and the bottom needs nothing but Python."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parent.parent
PLAIN = ("model", "runfolder")


def plain_modules() -> list[Path]:
    return sorted(path for layer in PLAIN for path in (ROOT / "labnb" / layer).rglob("*.py"))


def test_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


@pytest.mark.parametrize("path", plain_modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_bottom_needs_the_standard_library_only(path: Path) -> None:
    known = sys.stdlib_module_names | {"labnb"}
    roots = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            roots.add((node.module or "").partition(".")[0])
    assert roots <= known
