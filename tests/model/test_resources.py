"""Resources: read as people write them, laid over each other."""

from __future__ import annotations

from typing import Any

import pytest

from labnb.model.errors import UsageError
from labnb.model.resources import Resources


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 1800), (30, 1800), ("90s", 90), ("1h30m", 5400), ("2d", 172800), ("5:30", 330), ("4:00:00", 14400)],
)
def test_time(text: Any, seconds: int) -> None:
    assert Resources.parse({"time": text}).time == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("8G", 8 * 10**9), ("500", 5 * 10**8), ("1.5GB", 15 * 10**8), ("2TiB", 2 * 10**12)]
)
def test_memory(text: str, size: int) -> None:
    assert Resources.parse({"memory": text}).memory == size


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gpu": 1}, "Did you mean gpus?"),
        ({"cpus": 0}, "cpus must be a whole number, not 0."),
        ({"memory": "lots"}, "Write 500M or 8G."),
        ({"time": "0"}, "time must be a time"),
        ({"partition": "a b; rm -rf $HOME"}, "partition must be a name"),
        ({"options": "exclusive"}, "must be a list of options"),
        ({"options": ["--a\n#SBATCH --b"]}, "one line"),
    ],
)
def test_wrong_words_are_answered(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        Resources.parse(given)
    assert said in str(raised.value)


def test_what_a_line_says_goes_over_the_target() -> None:
    target = Resources.parse({"cpus": 4, "partition": "gpu", "options": ["--exclusive"]})
    asked = Resources.parse({"cpus": 8}).over(target)
    assert asked.to_json() == {"cpus": 8, "partition": "gpu", "options": ["--exclusive"]}
