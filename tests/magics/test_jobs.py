"""`%%labrun --on`: a cell runs as a process of its own, its variables come back, its record is that of a local run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.lab import user_name
from labnb.model.job import JobState
from labnb.model.run import RunStatus
from tests.magics.jobs_project import JobKernel, job_kernel, make_project, wait_for_job

TARGETS = """
[targets.here]
executor = "process"
[targets.small]
executor = "process"
memory = "300M"
time = "30m"
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobKernel]:
    root = make_project(tmp_path_factory.mktemp("jobs") / "a project with 'quotes' & $(spaces)", TARGETS)
    with job_kernel(root) as kernel:
        kernel.run(
            "import math, os, labnb\nfrom doubling import double\nbase = 20\ndef far(x):\n    return double(x) + base\n"
            "class Own:\n    def __init__(self, x): self.x = x\n"
        )
        yield kernel


def test_values_come_back_with_one_line_of_notice(kernel: JobKernel) -> None:
    uid, reply = kernel.submit("sum --on here --out total,own", "total = far(1) + math.floor(math.e)\nown = Own(3)")
    assert reply.run["job"]["target"] == "here"
    job = kernel.ended(uid)
    assert (job.state, job.cause, job.starts) == (JobState.COMPLETED, "", 1)
    reply = kernel.run("print(total, own.x, type(own) is Own)")
    notice, printed = reply.stdout.splitlines()
    assert notice.startswith(f"labnb: total, own came back from the job sum ({uid[:8]})")
    assert printed == "24 3 True"
    assert kernel.run("print(total)").stdout == "24\n", "told once"


def test_the_record_is_that_of_a_run(kernel: JobKernel) -> None:
    (kernel.folder / "table.csv").write_text("a,b\n1,2\n")
    source = (
        "import labnb\nrate = 0.5\nlabnb.log({'loss': 0.25})\nprint('working')\n"
        "text = open('table.csv').read()\nopen('made.txt', 'w').write(text)\nlen(text)"
    )
    uid, _ = kernel.submit("whole --on here --tag team=bio --metric rate", source)
    kernel.ended(uid)
    run = kernel.lab.browse.run(uid)
    assert (run.status, run.name, run.tags, run.error) == (RunStatus.FINISHED, "whole", {"team": "bio"}, None)
    assert run.metrics == {"loss": 0.25, "rate": 0.5}
    assert [(use.path, use.size) for use in run.inputs] == [("table.csv", 8)]
    assert [(use.path, use.size) for use in run.outputs] == [("made.txt", 8)]
    assert run.fingerprint
    assert run.code["snapshot"]
    assert run.job is not None
    assert {"target": "here", "executor": "process", "state": "COMPLETED"}.items() <= run.job.items()
    assert run.job["used"]["memory"] > 1e6
    assert run.job["queued"] >= 0
    shown = kernel.lab.browse.output(uid)["cells"][0]["outputs"]
    assert shown[0]["text"] == "working\n"
    assert shown[1]["data"]["text/plain"] == "8"
    kernel.run("import labnb")
    assert kernel.value(f"repr(labnb.job({uid[:8]!r}).outputs()['made.txt'].read_text())") == repr("a,b\n1,2\n")
    assert not (kernel.folder / "made.txt").exists(), "a job writes into its own copy of the project"
    # What it wrote becomes a version when somebody asks for it, and the job's run is the one that made it.
    saved = kernel.run(f"version = labnb.job({uid[:8]!r}).save('data/made.txt', 'made.txt')\nprint(version.version)")
    assert (kernel.folder / "data/made.txt").read_text() == "a,b\n1,2\n"
    (entry,) = kernel.lab.data.log.log("data/made.txt")
    assert (entry.version, entry.made_by) == (saved.stdout.strip(), (uid,))
    assert [use.dataset for use in kernel.lab.browse.run(uid).outputs] == ["data/made.txt"]
    refused = kernel.run(f"labnb.job({uid[:8]!r}).save('data/made.txt', 'mode.txt')").error
    assert refused is not None
    assert "wrote no mode.txt" in str(refused)
    assert "Did you mean made.txt" in str(refused)


def test_the_job_sees_the_code_as_it_was_at_submission(kernel: JobKernel) -> None:
    note = kernel.folder / "note.txt"
    note.write_text("then")
    gate = kernel.folder.parent / "gate"
    source = (
        f"import time, pathlib\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.02)\n"
        "saw = open('note.txt').read()"
    )
    uid, _ = kernel.submit("--on here --out saw", source)
    note.write_text("now")
    gate.touch()
    kernel.ended(uid)
    assert kernel.value("saw") == "then"


def test_exceptions_are_raised_as_they_were(kernel: JobKernel) -> None:
    uid, _ = kernel.submit("--on here", "class Odd(ValueError): pass\nx = 1\nraise Odd('so $(not) \"good\"')")
    job = kernel.ended(uid)
    assert job.state is JobState.FAILED
    assert job.cause == 'Odd: so $(not) "good", line 4 of the cell'
    reply = kernel.run(f"import labnb\nlabnb.job({uid!r}).result()")
    assert reply.error is not None
    assert (reply.error["ename"], reply.error["evalue"]) == ("Odd", 'so $(not) "good"')
    assert "is FAILED" in reply.stdout
    run = kernel.lab.browse.run(uid)
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    assert "line 4" in run.error["traceback"]


def test_a_later_local_cell_is_not_disturbed(kernel: JobKernel) -> None:
    kernel.run("step = 1")
    uid, _ = kernel.submit("--on here --out step", "step = step + 41")
    _, run = kernel.recorded("twice = 2 * step")
    assert kernel.value("twice") == "2"
    assert run.params.get("step") == 1, "the cell elsewhere has changed nothing here"
    kernel.ended(uid)
    _, run = kernel.recorded("thrice = 3 * step")
    assert kernel.value("thrice") == "126"
    assert f"labnb.job('{uid[:8]}')" in (kernel.lab.browse.folder(run.uid).paths.script).read_text()


def test_waiting_and_interrupting(kernel: JobKernel) -> None:
    reply = kernel.run("%%labrun --on here --out done --wait\ndone = 7")
    assert reply.status == "ok"
    assert "done came back" in reply.stdout
    assert kernel.value("done") == "7"
    kernel.ended(reply.run["uid"])
    reply = kernel.run("%%labrun --on here --wait\n1 / 0")
    assert reply.error is not None
    assert reply.error["ename"] == "ZeroDivisionError"
    kernel.ended(reply.run["uid"])
    index, gate = kernel.lab.jobs.index, kernel.folder.parent / "waited"
    known = set(index.uids())
    waits = f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.02)\nslept = True"
    sent = kernel.send(f"%%labrun --on here --wait --out slept\n{waits}")
    while not (fresh := set(index.uids()) - known):
        time.sleep(0.01)
    (uid,) = fresh
    wait_for_job(kernel.folder, uid, lambda job: job.state is JobState.RUNNING)
    os.kill(kernel.pid, signal.SIGINT)
    reply = kernel.wait(sent)
    gate.touch()
    assert "no longer waiting; the job goes on" in reply.stdout
    assert kernel.ended(uid).state is JobState.COMPLETED
    assert kernel.value("slept") == "True"


def test_cancel(kernel: JobKernel) -> None:
    uid, _ = kernel.submit("--on here --out n", "import time, labnb\nprint('begun', flush=True)\ntime.sleep(60)\nn = 1")
    wait_for_job(kernel.folder, uid, lambda job: job.state is JobState.RUNNING)
    kernel.run(f"import labnb\nlabnb.job({uid!r}).cancel()")
    job = kernel.ended(uid, 15)
    assert (job.state, job.cause) == (JobState.CANCELLED, f"cancelled by {user_name()}")
    run = kernel.lab.browse.run(uid)
    assert run.status is RunStatus.KILLED
    reply = kernel.run(f"labnb.job({uid!r}).result()")
    assert reply.error is not None
    assert "CANCELLED" in reply.error["evalue"]


def test_death_of_the_process(kernel: JobKernel) -> None:
    uid, _ = kernel.submit("--on here", "import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), 9)")
    job = kernel.ended(uid)
    assert job.state is JobState.FAILED
    assert "SIGKILL" in job.cause
    run = kernel.lab.browse.run(uid)
    assert run.status is RunStatus.FAILED
    assert "last words" in (kernel.lab.paths.run(uid).log).read_text()


def test_out_of_memory_says_how_much(kernel: JobKernel) -> None:
    uid, _ = kernel.submit("--on small", "import time\nhuge = bytearray(600_000_000)\ntime.sleep(20)")
    job = kernel.ended(uid)
    assert job.state is JobState.OUT_OF_MEMORY
    assert "300 MB were asked for" in job.cause
    assert kernel.lab.browse.run(uid).status is RunStatus.KILLED


def test_an_array_shows_partial_success_and_retries_the_failed(kernel: JobKernel) -> None:
    flag = kernel.folder.parent / "allowed"
    source = (
        f"import os, labnb\nif rate < 0.1 and not os.path.exists({str(flag)!r}): raise ValueError('too slow')\n"
        "score = rate * 10\nlabnb.log({'score': score})"
    )
    reply = kernel.run(f"%%labrun sweep --on here --out score --each rate=0.5,0.01\n{source}")
    assert reply.status == "ok", reply.error
    index = kernel.lab.jobs.index
    group = next(job.group for job in index.jobs() if job.group)
    assert group is not None
    for uid in index.group(group).jobs:  # type: ignore[union-attr]
        kernel.ended(uid)
    reply = kernel.run("print(score)")
    assert "1 COMPLETED, 1 FAILED" in reply.stdout
    assert reply.stdout.splitlines()[-1] == "[5.0, None]"
    flag.touch()
    table = kernel.run(f"%labjobs {group} --retry").result
    assert table is not None
    assert "rate" in table
    for uid in index.group(group).jobs:  # type: ignore[union-attr]
        assert kernel.ended(uid).state is JobState.COMPLETED
    assert kernel.value(f"labnb.job({group!r}).result()") == "[5.0, 0.1]"


def test_one_job_after_another(kernel: JobKernel) -> None:
    first, _ = kernel.submit("--on here", "import time\ntime.sleep(0.5)\nopen('x', 'w').write('1')")
    second, _ = kernel.submit(f"--on here --after {first[:8]}", "pass")
    one, two = kernel.ended(first), kernel.ended(second)
    assert (one.state, two.state) == (JobState.COMPLETED, JobState.COMPLETED)
    assert one.ended is not None
    assert two.started is not None
    assert two.started >= one.ended
    failing, _ = kernel.submit("--on here", "import time\ntime.sleep(0.3)\n1 / 0")
    never, _ = kernel.submit(f"--on here --after {failing[:8]}", "pass")
    job = kernel.ended(never)
    assert job.state is JobState.CANCELLED
    assert "did not end well" in job.cause or "is FAILED" in job.cause


@pytest.mark.parametrize(
    ("line", "source", "said"),
    [
        ("--on smal", "pass", "Did you mean small?"),
        ("--on here --gpus two", "pass", "gpus must be a whole number"),
        ("--on here --gpu 2", "pass", "Did you mean --gpus"),
        ("--on here --gpus 64", "pass", "gpus: 64 asked for"),
        ("--on here --time soon", "pass", "Write 4:00:00"),
        ("--on here --partition gpu", "pass", "A process knows no partition"),
        ("--on here --out modle", "model = 1", "Did you mean model?"),
        ("--on here", "print(bsae)", "Did you mean base?"),
        ("--on here", "x = input('name?')", "nobody answers a job"),
        ("--on here", "import getpass\nx = getpass.getpass()", "calls getpass.getpass(), and nobody answers a job"),
        ("--on here", "x = (1", "is no Python"),
        ("--on here --after 12345678", "pass", "There is no job"),
        ("--gpus 2", "pass", "--on TARGET"),
        ("--on here --each rate", "pass", "--each lr=0.1,0.01"),
        ("--on here", "print(lock)", "lock"),
        ("--on here", "big.sum()", "5.0 GB"),
        ("--on here", "inner['a'].x", "5.0 GB"),
        ("--on here", "uses_big()", "5.0 GB"),
    ],
)
def test_bad_input_is_answered_and_leaves_nothing(kernel: JobKernel, line: str, source: str, said: str) -> None:
    kernel.run(
        "import threading, numpy\nlock = threading.Lock()\nbig = numpy.zeros(625_000_000)\n"
        "inner = {'a': Own([big])}\ndef uses_big(): return big.sum()"
    )
    before = sorted((kernel.folder / ".labnb" / "runs").glob("*"))
    begun = time.monotonic()
    reply = kernel.run(f"%%labrun {line}\n{source}")
    assert time.monotonic() - begun < 5, "nothing was pickled whole"
    assert reply.status == "error"
    assert said in (reply.stderr or "") + (reply.error["evalue"] if reply.error else "")
    assert sorted((kernel.folder / ".labnb" / "runs").glob("*")) == before


def test_a_value_that_cannot_travel_back_is_told(kernel: JobKernel) -> None:
    uid, _ = kernel.submit("--on here --out good,bad", "import threading\ngood = 1\nbad = threading.Lock()")
    kernel.ended(uid)
    reply = kernel.run("print(good)")
    assert reply.stdout.splitlines()[-1] == "1"
    assert "bad did not come back" in reply.stdout


def test_labjobs_lists(kernel: JobKernel) -> None:
    table = kernel.run("%labjobs -n 3").result
    assert table is not None
    assert table.splitlines()[0].split()[:4] == ["job", "name", "target", "state"]
    assert len(table.splitlines()) == 5


def test_another_kernel_another_day(kernel: JobKernel) -> None:
    uid, _ = kernel.submit("--on here --out kept", "kept = {'a': [1, 2]}")
    with JobKernel(kernel.folder) as other:
        reply = other.run(f"import labnb\nprint(labnb.job({uid[:6]!r}).result(), labnb.job({uid!r}).wait().status)")
    assert reply.stdout == "{'a': [1, 2]} COMPLETED\n", reply.error


def test_secrets_in_the_log_are_masked(kernel: JobKernel) -> None:
    key = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6"
    uid, _ = kernel.submit("--on here", f"print('token', {key[:10]!r} + {key[10:]!r})")
    kernel.ended(uid)
    log = kernel.lab.paths.run(uid).log.read_text()
    assert log.startswith("token ")
    assert key not in log


def test_members_of_an_array_do_not_all_run_at_once(kernel: JobKernel) -> None:
    count = (os.cpu_count() or 2) + 2
    values = ",".join(map(str, range(count)))
    kernel.run(f"%%labrun crowd --on here --each n={values}\nimport time\ntime.sleep(0.4)")
    jobs = [job for job in kernel.lab.jobs.index.jobs() if job.name.startswith("crowd")]
    assert len(jobs) == count
    ended = [kernel.ended(job.id) for job in jobs]
    assert all(job.state is JobState.COMPLETED for job in ended)
    spans = [(job.started or "", job.ended or "") for job in ended]
    most = max(sum(1 for begun, end in spans if begun <= moment < end) for moment, _ in spans)
    assert most <= (os.cpu_count() or 2)


def test_the_follower_ends_by_itself(tmp_path: Path) -> None:
    root = make_project(tmp_path / "p")
    with job_kernel(root, LABNB_FOLLOWER_IDLE="0.3") as kernel:
        uid, _ = kernel.submit("--on here", "pass")
        kernel.ended(uid)
        follower = kernel.lab.jobs.index.follower
        for _ in range(500):
            if not follower.lives():
                break
            kernel.run("pass")
        assert not follower.lives()
