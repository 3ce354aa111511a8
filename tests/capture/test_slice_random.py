"""Random sessions: whatever the cells do, and in whatever order they run, the slice gives the same."""

from __future__ import annotations

import random
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labnb.capture.slicing import slice_session, slicer
from tests.capture.programs import PRELUDE, Writer
from tests.capture.sessions import Play, replay

_TOO_LARGE = 20_000


class TooSlow(BaseException):
    """A random program doubled its data too often."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    # The processor's time, not the clock's: that alarm is pytest's.
    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _shown(value: object) -> str:
    if callable(value) or hasattr(value, "__next__"):
        return "?"
    return re.sub(r"0x[0-9a-f]+", "", repr(value))


def _check(choices: random.Random) -> bool:
    """Run a random session and its slice; tell whether there was something to compare."""
    writer = Writer(choices)
    cells = writer.cells()
    play = Play(seen=bool(choices.randrange(2)))
    try:
        with _at_most(0.5):
            play.execute(PRELUDE)
            for _ in range(choices.randrange(7) + 3):
                play.execute(choices.choice(cells))
            play.execute(writer.target())
            wanted = _shown(play.names.get("result"))
    except (TooSlow, RecursionError, ValueError):
        return False
    *history, target = play.history
    if target.failed_line is not None or len(wanted) > _TOO_LARGE:
        return False
    slicer._timelines.clear()
    closure = slice_session(history, target)
    assert not slicer._timelines[-1].stumbled
    session = "\n# ---\n".join(cell.python for cell in play.history[1:])
    code = "\n# ---\n".join(piece.code for piece in closure.pieces[1:])
    try:
        with _at_most(2):
            got = _shown(replay(closure).get("result"))
    except TooSlow:
        return False
    except Exception as error:
        pytest.fail(f"{error!r}\n{session}\n# === slice\n{code}")
    assert got == wanted, f"\n{session}\n# === slice\n{code}"
    return True


@settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_a_random_session(choices: random.Random) -> None:
    _check(choices)


def test_many_random_sessions() -> None:
    # Hypothesis prefers small programs; these are not.
    assert sum(_check(random.Random(seed)) for seed in range(60)) > 20


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_very_many_random_sessions() -> None:
    first = random.SystemRandom().randrange(10**9)
    for seed in range(first, first + 3000):
        try:
            _check(random.Random(seed))
        except BaseException:
            sys.stderr.write(f"seed {seed}\n")
            raise
