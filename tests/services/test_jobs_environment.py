"""How Python is found: an environment rebuilt with uv from the snapshot's lock, on all four backends, and images.

Wheels and sources are our own. Apptainer is a fake, named so: Debian has no package of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labnb.model.job import JobState
from labnb.model.snapshot import Environment
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder
from labnb.usecases import work_tree
from labnb.usecases.values import load_value
from tests.magics.jobs_project import make_project
from tests.services.by_hand import Jobs
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd
from tests.wheels import source_of, uv, wheel_of

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]
PYTHON = sys.version.split()[0]
# Whatever is not in the lock's own files would have to come from the network: there is none.
BUILT = 'environment = "uv"\nsetup = ["export UV_OFFLINE=1 UV_PYTHON_DOWNLOADS=never PATH={uv}:$PATH"]\n'
TARGETS = """\
[targets.here]
{built}
[targets.cluster]
executor = "slurm"
{built}
[targets.far]
host = "ssh://lab"
{built}
[targets.farcluster]
host = "ssh://lab"
executor = "slurm"
{built}
"""
CELL = "import sys, labnb_demo_part as part\nvalue, where = part.VALUE, sys.prefix"
OUT = ("value", "where")


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slurm: SlurmCluster, sshd: Sshd) -> Callable[..., Jobs]:
    """Make the jobs of a project whose kernel has this lock."""
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    built = BUILT.format(uv=Path(uv()).parent)
    root = make_project(tmp_path / "the lab's", TARGETS.format(built=built))
    return lambda *lock: Jobs(root, Environment(PYTHON, sys.platform, lock=lock))


def line(tmp_path: Path, code: str) -> str:
    """A line of a lock that no other test has: environments are kept by their locks."""
    wheel = wheel_of(tmp_path / "my wheels", "labnb_demo_part", code)
    return f"labnb-demo-part @ {wheel.as_uri()}"


def printed(folder: JobFolder) -> str:
    return folder.paths.output.read_text() if folder.paths.output.exists() else ""


@pytest.mark.parametrize("target", ["here", "cluster", "far", "farcluster"])
def test_the_first_job_builds_and_the_second_begins_at_once(
    jobs: Callable[..., Jobs], tmp_path: Path, target: str
) -> None:
    lab = jobs(line(tmp_path, f"VALUE = '{target}'\n"), f"-e {tmp_path.as_uri()}")
    first, job = lab.run(target, CELL, out=OUT)
    assert job.state is JobState.COMPLETED, (job, printed(first))
    assert "building the environment" in printed(first)
    assert load_value(first.paths, "value") == target
    where = Path(load_value(first.paths, "where"))
    assert where.parent.name == "environments"
    made = (where / "pyvenv.cfg").stat().st_ino
    assert where.name.endswith(f"-{PYTHON}"), "the same packages under another Python are another environment"
    second, job = lab.run(target, CELL, out=OUT)
    assert (job.state, printed(second)) == (JobState.COMPLETED, "")
    assert load_value(second.paths, "where") == str(where)
    assert (where / "pyvenv.cfg").stat().st_ino == made
    other = jobs(line(tmp_path, "VALUE = 'another'\n"), "labnb-other @ file:///not/here")
    if target == "far":  # what lies in folders of this machine cannot be had there, and is told
        third, job = other.run(target, CELL, out=OUT)
        assert job.state is JobState.COMPLETED, (job, printed(third))
        assert load_value(third.paths, "where") != str(where)
        assert [note.code for note in RunFolder(third.paths.run).read().notes] == ["packages"]


@pytest.mark.parametrize("target", [pytest.param("here", marks=pytest.mark.soak), "cluster"])
def test_jobs_that_start_together_build_it_once(jobs: Callable[..., Jobs], tmp_path: Path, target: str) -> None:
    built = tmp_path / "built"
    source = source_of(tmp_path / "src", "labnb_demo_part", f"open({str(built)!r}, 'a').write('x')")
    lab = jobs(f"labnb-demo-part @ {source.as_uri()}")
    folders = [lab.write(target, CELL, out=OUT) for _ in range(2)]
    assert [job.state for job in lab.ended(*folders)] == [JobState.COMPLETED] * 2, list(map(printed, folders))
    assert built.read_text() == "x"
    assert sum("building" in printed(folder) for folder in folders) == 1


@pytest.mark.parametrize("target", ["here", pytest.param("cluster", marks=pytest.mark.soak)])
def test_a_build_that_is_killed_is_made_anew(
    jobs: Callable[..., Jobs], slurm: SlurmCluster, tmp_path: Path, target: str
) -> None:
    begun = tmp_path / "begun"
    hang = (
        f"if not pathlib.Path({str(begun)!r}).exists():\n    open({str(begun)!r}, 'w')\n    import time; time.sleep(60)"
    )
    source = source_of(tmp_path / "src", "labnb_demo_part", hang)
    lab = jobs(f"labnb-demo-part @ {source.as_uri()}")
    folder = lab.write(target, CELL, out=OUT)
    deadline = time.monotonic() + 30
    while not begun.exists():
        lab.turn([folder])
        assert time.monotonic() < deadline, printed(folder)
        time.sleep(0.02)
    environments = Path(os.environ["HOME"], ".labnb", "environments")
    (lock,) = environments.glob("*.lock")
    assert (lock.with_suffix("") / "pyvenv.cfg").exists(), "half of it is there"
    os.killpg(os.getpgid(int(os.readlink(lock).partition(":")[2])), signal.SIGKILL)
    (job,) = lab.ended(folder)
    assert job.state is JobState.FAILED
    again, job = lab.run(target, CELL, out=OUT)
    assert job.state is JobState.COMPLETED, (job, printed(again))
    assert "building" in printed(again)
    assert not list(environments.glob("*.lock"))


@pytest.mark.parametrize("target", ["here", pytest.param("farcluster", marks=pytest.mark.soak)])
def test_a_build_that_fails_names_the_package_and_the_reason(
    jobs: Callable[..., Jobs], tmp_path: Path, target: str
) -> None:
    _, job = jobs("labnb-no-such-part==9.9").run(target, "pass")
    assert job.state is JobState.FAILED
    assert job.cause.startswith("the environment cannot be built: ")
    assert "labnb-no-such-part" in job.cause
    if target == "here":
        source = source_of(tmp_path / "src", "labnb_demo_part", "raise SystemExit('no compiler for the demo')")
        lab = jobs(f"labnb-demo-part @ {source.as_uri()}")
        folder, job = lab.run(target, CELL)
        assert "labnb-demo-part @ file" in job.cause
        assert "no compiler for the demo" in job.cause
        assert "Failed to build" in printed(folder), "the whole of it stands in the job's output"
        (source / "backend.py").write_text((source / "backend.py").read_text().replace("raise SystemExit", "str"))
        _, job = lab.run(target, CELL)
        assert job.state is JobState.COMPLETED, "a build that failed is tried again"


# --- images -------------------------------------------------------------------------------------

FAKE_APPTAINER = """\
#!{python}
# A FAKE of Apptainer: refuses words that the real one does not know, shows what it was given, runs the command here.
import json, os, sys
words = sys.argv[1:]
assert words.pop(0) == "exec", sys.argv
options = []
while words[0].startswith("--"):
    option = words.pop(0)
    assert option in ("--nv", "--bind"), option
    options.append([option, words.pop(0)] if option == "--bind" else [option])
    if option == "--bind" and not os.path.isdir(options[-1][1]):
        sys.exit("FATAL:   container creation failed: mount source %s doesn't exist" % options[-1][1])
image, python, *command = words
if not os.path.isfile(image):
    sys.exit("FATAL:   could not open image %s: no such file or directory" % image)
with open({told!r}, "a") as file:
    file.write(json.dumps([options, image, python, command]) + "\\n")
os.environ["APPTAINER_CONTAINER"] = image
os.execv({python!r}, [{python!r}, *command])
"""
IMAGES = """\
[targets.here]
image = "{image}"
setup = ["export PATH='{path}':$PATH"]
[targets.farcluster]
host = "ssh://lab"
executor = "slurm"
image = "{image}"
setup = ["export PATH='{path}':$PATH"]
[targets.none]
image = "/no/such/image.sif"
setup = ["export PATH='{path}':$PATH"]
"""


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slurm: SlurmCluster, sshd: Sshd) -> Jobs:
    monkeypatch.setenv("LABNB_FOLLOWER", "0")
    monkeypatch.setenv("LABNB_PUBLISHER", "0")
    program = tmp_path / "bin of ours" / "apptainer"
    program.parent.mkdir()
    program.write_text(FAKE_APPTAINER.format(python=sys.executable, told=str(tmp_path / "told")))
    program.chmod(0o755)
    (tmp_path / "torch.sif").write_bytes(b"")
    return Jobs(make_project(tmp_path / "p", IMAGES.format(image=tmp_path / "torch.sif", path=program.parent)))


@pytest.mark.parametrize("target", ["here", "farcluster"])
def test_an_image_gets_the_words_that_apptainer_takes(
    images: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setattr(work_tree, "COPIED", 100)
    (tmp_path / "p" / "large.csv").write_text("x" * 1000)
    cell = "import os\nwithin = os.environ['APPTAINER_CONTAINER']\nsize = len(open('large.csv').read())"
    folder, job = images.run(target, cell, out=("within", "size"), files=("large.csv",))
    assert job.state is JobState.COMPLETED, (job, printed(folder))
    assert load_value(folder.paths, "within") == str(tmp_path / "torch.sif")
    assert load_value(folder.paths, "size") == 1000
    ((options, image, python, (runner, place)),) = map(json.loads, (tmp_path / "told").read_text().splitlines())
    assert (image, python, place) == (str(tmp_path / "torch.sif"), "python3", job.folder)
    # All that the job opens lies in folders that the image is shown: its own, what jobs share, what its data link to.
    shown = [Path(option[1]) for option in options]
    far = Path(job.folder)
    opened = [Path(runner), far / "job" / "request.json", *(far / "job" / "work").rglob("*")]
    for path in [*opened, *(path.resolve() for path in opened)]:
        assert any(path.is_relative_to(folder) for folder in shown), (path, shown)


def test_an_image_that_is_not_there(images: Jobs) -> None:
    _, job = images.run("none", "pass")
    assert job.state is JobState.FAILED
    assert "could not open image /no/such/image.sif" in job.cause
