"""What labnb offers is written down: magics, options, commands, settings, fields of the record."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import labnb
from labnb.cli.main import make_parser
from labnb.magics import magics
from labnb.magics.request import make_parser as make_labrun_parser
from labnb.model.dataset import FileUse
from labnb.model.run import Run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
RECORD = (ROOT / "docs" / "record.md").read_text()


@pytest.mark.parametrize("name", [name for kind in magics() for names in kind.magics.values() for name in names])
def test_magic_is_in_the_readme(name: str) -> None:
    assert re.search(rf"%{name}\b", README)


def test_every_magic_has_a_docstring() -> None:
    for kind in magics():
        for names in kind.magics.values():
            for name in names.values():
                assert getattr(kind, name).__doc__


@pytest.mark.parametrize("name", [n for n in labnb.__all__ if not n.startswith("_")])
def test_python_name_is_in_the_readme_and_exists(name: str) -> None:
    assert f"labnb.{name}" in README
    assert callable(getattr(labnb, name))


def test_commands_are_in_the_readme() -> None:
    (commands,) = [action for action in make_parser()._actions if action.dest == "command"]
    assert commands.choices
    for name in commands.choices:
        assert f"labnb {name}" in README, name


def test_every_option_of_labrun_has_help() -> None:
    for action in make_labrun_parser()._actions:
        assert action.help, action.dest


@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(Run) if field.name not in ("job", "verdict")]
)
def test_field_of_the_record_is_documented(name: str) -> None:
    assert f"`{name}`" in RECORD


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(FileUse)])
def test_field_of_a_file_is_documented(name: str) -> None:
    assert f"`{name}`" in RECORD


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
