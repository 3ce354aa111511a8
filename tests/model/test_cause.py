"""Causes in plain words."""

from __future__ import annotations

import pytest

from labnb.model.cause import Seen, cause_of
from labnb.model.job import JobState
from labnb.model.resources import Resources

ASKED = Resources(memory=8_000_000_000, time=14400)
RAISED = {"state": "FAILED", "exit_code": 1, "error": {"type": "ValueError", "message": "no\nmore", "line": 3}}


@pytest.mark.parametrize(
    ("seen", "state", "cause"),
    [
        (Seen(JobState.PENDING, "Resources"), "PENDING", "waits for free nodes"),
        (Seen(JobState.PENDING, "QOSMaxJobsPerUserLimit"), "PENDING", "the quality of service allows no more"),
        (Seen(JobState.PENDING, "launch failed requeued held"), "PENDING", "is held: it could not be started"),
        (Seen(JobState.PENDING, "SomethingNew"), "PENDING", "SomethingNew"),
        (Seen(JobState.RUNNING), "RUNNING", ""),
        (Seen(JobState.COMPLETED, end={"state": "COMPLETED"}), "COMPLETED", ""),
        (Seen(JobState.RUNNING, end=RAISED), "FAILED", "ValueError: no, line 3 of the cell"),
        (Seen(JobState.TIMEOUT), "TIMEOUT", "the time limit of 4 h 00 min was reached"),
        (Seen(JobState.TIMEOUT, end={"state": "CANCELLED", "exit_code": 143}), "TIMEOUT", "the time limit"),
        (
            Seen(JobState.OUT_OF_MEMORY, used={"memory": 7.9e9}),
            "OUT_OF_MEMORY",
            "it ran out of memory: 8 GB were asked for, 7.9 GB were seen in use",
        ),
        (Seen(JobState.NODE_FAIL, node="n7"), "NODE_FAIL", "the node n7 failed"),
        (Seen(JobState.CANCELLED, cancelled_by="ann"), "CANCELLED", "cancelled by ann"),
        (Seen(JobState.CANCELLED, "cancelled by bob"), "CANCELLED", "cancelled by bob"),
        (Seen(JobState.CANCELLED, "PREEMPTED"), "CANCELLED", "it was preempted"),
        (Seen(JobState.CANCELLED, "DependencyNeverSatisfied"), "CANCELLED", "did not end well"),
        (Seen(JobState.CANCELLED), "CANCELLED", "cancelled, outside of labnb"),
        (Seen(JobState.FAILED, exit_code=139), "FAILED", "SIGSEGV"),
        (Seen(JobState.FAILED, exit_code=3), "FAILED", "exit code 3"),
        (Seen(JobState.COMPLETED), "COMPLETED", "it ended without a result"),
        (Seen(None), "LOST", "nobody knows the job any more"),
        (Seen(None, end={"state": "no word"}), "FAILED", "it ended without saying why"),
    ],
)
def test_causes(seen: Seen, state: str, cause: str) -> None:
    found, told = cause_of(seen, ASKED)
    assert found.value == state
    assert cause in told
    assert bool(told) == bool(cause)


def test_a_cancellation_by_labnb_counts_more_than_what_the_scheduler_makes_of_it() -> None:
    seen = Seen(JobState.TIMEOUT, end={"state": "CANCELLED", "exit_code": 143}, cancelled_by="ann")
    assert cause_of(seen, ASKED) == (JobState.CANCELLED, "cancelled by ann")
