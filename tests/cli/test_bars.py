"""Progress bars of `labnb data`, as a terminal gets them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from labnb.words import bars
from labnb.words.bars import Bars
from tests.adapters.dvc.command import Place, environment


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "DELAY", 0.0)


def tell(shown: bool | None = True) -> None:
    with Bars(shown) as told:
        for done in (0, 3_000_000, 9_000_000):
            told("Pushing to store", done, 12_000_000)
        told("Looking", 3, None, "files")
        told("Looking", 7, None, "files")


def test_bytes_are_scaled_and_the_bar_goes_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    tell()
    shown = capsys.readouterr().err
    assert re.search(r"Pushing to store: +0%", shown)
    assert re.search(r"/12\.0MB?\b|/12\.0M", shown)
    assert "Looking: " in shown
    last = shown.rpartition("\r")[0].rpartition("\r")[2]
    assert not last.strip(), "nothing is left on the line"


def test_where_nobody_looks_nothing_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(None)  # standard error is no terminal here
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("LABNB_NO_PROGRESS", "1")
    tell()
    assert capsys.readouterr().err == ""


def test_what_is_short_shows_no_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "DELAY", 60.0)
    tell()
    assert capsys.readouterr().err == ""


def test_an_interruption_closes_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with Bars(shown=True) as told:
            told("Reading", 1, 10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert capsys.readouterr().err.endswith("\r")


def test_the_command_shows_one_on_a_terminal(tmp_path: Path) -> None:
    """A real add of 60 MB, on a terminal of its own."""
    place = Place(tmp_path / "project")
    (place.path / "labnb.toml").touch()
    with open(place.write("big.bin", b""), "wb") as file:
        file.truncate(60_000_000)
    script = (
        "import sys; from labnb.words import bars; bars.DELAY = 0.0\n"
        "from labnb.cli.main import main; sys.exit(main(['data', 'add', 'big.bin']))"
    )
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=place.path,
        env=environment(place.path),
        stdout=subprocess.PIPE,
        stderr=follower,
    ) as child:
        os.close(follower)
        shown = b""
        try:
            while chunk := os.read(leader, 65536):
                shown += chunk
        except OSError:  # the terminal's other end is closed
            pass
        assert child.stdout is not None
        said = child.stdout.read().decode()
    os.close(leader)
    assert child.returncode == 0, shown.decode()
    assert "big.bin" in said
    assert re.search(rb": +\d+%.*60\.0MB?", shown), shown
