"""A job from its folder to its record, step by step, without a kernel; steps are repeated and left out half-way."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from labnb.lab import Lab, open_lab
from labnb.lab_jobs import JobLab
from labnb.model.cell import Cell
from labnb.model.errors import HostUnreachable, JobError
from labnb.model.job import Job, JobState
from labnb.model.resources import Resources
from labnb.model.run import Note, RunStatus
from labnb.model.target import Target
from labnb.ports.executor import Order, Sight
from labnb.ports.host import Host
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder
from labnb.usecases import follow_jobs
from labnb.usecases.cancel_job import cancel_jobs
from labnb.usecases.follow_jobs import FollowPlace
from labnb.usecases.retry_job import retry_job
from labnb.usecases.submit_job import Draft
from labnb.usecases.values import load_value
from tests.magics.jobs_project import make_project

HERE = Target("here", executor="process")


class ToldExecutor:
    """An executor that starts nothing, and tells what a test says."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.cancelled: list[str] = []
        self.looks = 0
        self.sights: dict[str, Sight] = {}
        self.error: Exception | None = None

    def check(self, host: Host, resources: Resources) -> tuple[Note, ...]:
        return ()

    def submit(self, host: Host, order: Order) -> str:
        if self.error is not None:
            raise self.error
        self.orders.append(order)
        return str(len(self.orders))

    def look(self, host: Host, tokens: Mapping[str, str]) -> dict[str, Sight]:
        self.looks += 1
        return {token: self.sights[token] for token in tokens if token in self.sights}

    def cancel(self, host: Host, tokens: Mapping[str, str]) -> None:
        self.cancelled += tokens


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    for name in ("FIRST_LOOK", "UNKNOWN", "LATE", "LATE_HERE", "ALIVE"):
        monkeypatch.setattr(follow_jobs, name, 0.0)
    return open_lab(make_project(tmp_path / "p"))


@pytest.fixture
def told(lab: Lab) -> ToldExecutor:
    """The jobs of the lab go to an executor that the test speaks for."""
    executor = ToldExecutor()
    reach = lab.jobs.reach
    lab.jobs.__dict__["reach"] = dataclasses.replace(reach, executor=lambda name: executor)
    return executor


def draft(source: str = "x = 41 + 1", **more: object) -> Draft:
    fields = {"name": "n", "cell": Cell(f"%%labrun --on here\n{source}"), "python": f"#\n{source}", "target": HERE}
    return Draft(**{**fields, "resources": Resources(), "out": ("x",), **more})  # type: ignore[arg-type]


def place(jobs: JobLab) -> FollowPlace:
    found = jobs.follow("", "process", lambda text: None)
    found.late = found.interval = 0.0
    return found


def follow(jobs: JobLab, folder: JobFolder, seconds: float = 20) -> Job:
    follower = place(jobs)
    deadline = time.monotonic() + seconds
    while not (job := folder.read()).collected:
        follower.turn([folder])
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    return job


def test_from_its_folder_to_its_record(lab: Lab) -> None:
    (folder,) = lab.jobs.submit.submit(draft())
    job = folder.read()
    assert (job.state, job.handle) == (JobState.PENDING, "")
    assert RunFolder(folder.paths.run).read().status is RunStatus.SCHEDULED
    assert folder.paths.request.stat().st_mode & 0o077 == 0
    assert lab.jobs.index.active() == [folder.uid]
    assert lab.jobs.send.send(folder).handle
    assert lab.jobs.send.send(folder).handle == folder.read().handle, "sent once"
    job = follow(lab.jobs, folder)
    assert (job.state, job.starts) == (JobState.COMPLETED, 1)
    assert load_value(folder.paths, "x") == 42
    assert lab.jobs.index.active() == []
    before = folder.paths.run.run.read_text()
    lab.jobs.collect.collect(folder)
    assert folder.paths.run.run.read_text() == before, "collected once"


def test_collecting_goes_on_where_it_was_ended(lab: Lab) -> None:
    (folder,) = lab.jobs.submit.submit(draft())
    lab.jobs.send.send(folder)
    job = follow(lab.jobs, folder)
    # As if the follower had died after the record, and before it could say so.
    folder.write(dataclasses.replace(job, collected=False))
    lab.jobs.index.announce(folder.uid)
    assert follow(open_lab(lab.root).jobs, folder).collected
    assert RunFolder(folder.paths.run).read().status is RunStatus.FINISHED


def test_an_answer_that_is_lost_half_way_is_asked_for_again(lab: Lab, told: ToldExecutor) -> None:
    (folder,) = lab.jobs.submit.submit(draft())
    told.error = HostUnreachable("The controller does not answer.")
    job = lab.jobs.send.send(folder)
    assert (job.state, job.cause) == (JobState.PENDING, "is being submitted: The controller does not answer.")
    told.error = None
    assert lab.jobs.send.send(folder).handle == "1"
    assert [order.again for order in told.orders] == [True]


def test_a_cancelled_job_is_never_sent(lab: Lab, told: ToldExecutor) -> None:
    (folder,) = lab.jobs.submit.submit(draft())
    cancel_jobs(lab.jobs.index, [folder], "ann")
    job = lab.jobs.send.send(folder)
    assert (job.state, job.cause) == (JobState.CANCELLED, "cancelled by ann before it was sent")
    assert told.orders == []
    assert RunFolder(folder.paths.run).read().status is RunStatus.KILLED
    assert cancel_jobs(lab.jobs.index, [folder], "ann") == ([], [folder.read()])


def test_a_job_that_nobody_knows(lab: Lab, told: ToldExecutor) -> None:
    (folder,) = lab.jobs.submit.submit(draft())
    lab.jobs.send.send(folder)
    job = follow(lab.jobs, folder)
    assert len(told.orders) == 1 + follow_jobs.AGAIN, "submitted again, since it never began"
    assert all(order.token == job.token for order in told.orders)
    assert job.state is JobState.LOST
    assert RunFolder(folder.paths.run).read().status is RunStatus.KILLED


def test_a_job_that_began_is_not_submitted_again(lab: Lab, told: ToldExecutor) -> None:
    (folder,) = lab.jobs.submit.submit(draft())
    lab.jobs.send.send(folder)
    folder.paths.claim.write_text("{}")
    assert follow(lab.jobs, folder).state is JobState.LOST
    assert len(told.orders) == 1


@pytest.mark.parametrize(("option", "word"), [("", JobState.PENDING), ("--no-requeue", JobState.LOST)])
def test_a_forgotten_job_begins_again_where_its_scheduler_would_have_it(
    lab: Lab, told: ToldExecutor, option: str, word: JobState
) -> None:
    (folder,) = lab.jobs.submit.submit(draft(resources=Resources(options=(option,) if option else ())))
    job = lab.jobs.send.send(folder)
    follower = place(lab.jobs)
    follower.requeues = True
    told.sights[job.token] = Sight(JobState.RUNNING)
    folder.paths.claim.write_text("{}")
    gone = {"host": "n1", "pid": 7, "started": "then"}
    folder.paths.state.write_text(json.dumps({"starts": 1, "owner": gone}))
    follower.due = 0.0
    follower.turn([folder])
    assert folder.read().state is JobState.RUNNING
    told.sights.clear()
    for _ in range(follow_jobs.LOOKS):
        follower.due = 0.0
        follower.turn([folder])
    follower.due = time.monotonic() + 60
    follower.turn([folder])  # what the first start left does not make it run
    job = folder.read()
    assert (job.state, len(told.orders)) == (word, 2 if word is JobState.PENDING else 1)
    if word is JobState.PENDING:
        assert told.orders[1].token == job.token
        assert told.orders[1].again, "Slurm is asked for the token first"
        assert json.loads(folder.paths.forgotten.read_text())["owner"] == gone
        folder.paths.state.write_text(json.dumps({"starts": 2, "owner": gone}))
        follower.turn([folder])
        assert folder.read().state is JobState.RUNNING
    else:
        assert "labnb retry" in job.cause


def test_requeued_jobs_wait_again(lab: Lab, told: ToldExecutor) -> None:
    (folder,) = lab.jobs.submit.submit(draft())
    job = lab.jobs.send.send(folder)
    follower = place(lab.jobs)
    follower.turn([folder])
    for state, reason, said in [
        (JobState.RUNNING, "", ""),
        (JobState.PENDING, "BeginTime", "waits for its time to begin, as after a node was lost"),
        (JobState.RUNNING, "", ""),
    ]:
        told.sights[job.token] = Sight(state, reason)
        follower.due = 0.0
        follower.turn([folder])
        now = folder.read()
        assert (now.state, now.cause) == (state, said)
    told.sights[job.token] = Sight(JobState.NODE_FAIL, node="n3")
    job = follow(lab.jobs, folder)
    assert (job.state, job.cause) == (JobState.NODE_FAIL, "the node n3 failed")


def test_one_question_for_all(lab: Lab, told: ToldExecutor) -> None:
    slow = Target("slow", executor="slurm")
    folders = lab.jobs.submit.submit(draft(target=slow), [{"x": number} for number in range(20)])
    for folder in folders:
        told.sights[lab.jobs.send.send(folder).token] = Sight(JobState.RUNNING)
    follower = place(lab.jobs)
    for _ in range(3):
        follower.turn(folders)
        follower.due = 0.0
    assert told.looks == 3, "however many jobs there are"
    cancel_jobs(lab.jobs.index, folders, "ann")
    follower.turn(folders)
    follower.turn(folders)
    assert len(told.cancelled) == 20, "in one call, once"


def test_retry_is_the_same_cell_again(lab: Lab) -> None:
    (folder,) = lab.jobs.submit.submit(draft("x = 1 / 0"))
    with pytest.raises(JobError, match="PENDING"):
        retry_job(lab.jobs.index, folder)
    lab.jobs.send.send(folder)
    assert follow(lab.jobs, folder).state is JobState.FAILED
    again = retry_job(lab.jobs.index, folder)
    lab.jobs.send.send(again)
    job = follow(lab.jobs, again)
    assert (job.state, job.retry_of) == (JobState.FAILED, folder.uid)
    request = json.loads(again.paths.request.read_text())
    assert request["work_folder"].startswith(str(again.paths.work))
    assert again.paths.cell.read_text() == folder.paths.cell.read_text()


def test_a_dependency_in_another_place_is_waited_for(lab: Lab, told: ToldExecutor) -> None:
    (first,) = lab.jobs.submit.submit(draft(target=Target("slow", executor="slurm")))
    (second,) = lab.jobs.submit.submit(draft(after=(first.uid,)))
    assert lab.jobs.send.send(second).cause == f"waits for the job {first.uid[:8]}"
    first.update(lambda job: dataclasses.replace(job, state=JobState.FAILED))
    job = lab.jobs.send.send(second)
    assert job.state is JobState.CANCELLED
    assert told.orders == []


def test_jobs_that_keep_coming_put_off_no_question(
    lab: Lab, told: ToldExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_jobs, "FIRST_LOOK", 0.2)
    follower = place(lab.jobs)
    folders: list[JobFolder] = []
    begun = time.monotonic()
    while time.monotonic() - begun < 1.0:
        folders += lab.jobs.submit.submit(draft(target=Target("slow", executor="slurm")))
        told.sights[lab.jobs.send.send(folders[-1]).token] = Sight(JobState.RUNNING)
        follower.turn(folders)
    assert 2 <= told.looks <= 6
