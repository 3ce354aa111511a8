"""The four backends: process and Slurm, on this machine and behind SSH, run the same notebook."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from labnb.lab import open_lab
from labnb.model.job import JobState
from labnb.model.run import RunStatus
from tests.magics.jobs_project import end_follower, four_targets, job_kernel, make_project, wait_for_job
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
BACKENDS = ("here", "cluster", "far", "farcluster")


@pytest.fixture(scope="module")
def executed(
    tmp_path_factory: pytest.TempPathFactory, _slurm_cluster: SlurmCluster, _sshd: Sshd
) -> Iterator[dict[str, tuple[Path, NotebookNode]]]:
    """The notebook of the examples, executed with each of the four words, side by side: they mostly wait."""
    from nbclient import NotebookClient

    _slurm_cluster.ensure()
    _sshd.ensure()
    folder = tmp_path_factory.mktemp("backends")
    example = pulled_example(folder / "example")

    def execute(target: str) -> tuple[str, tuple[Path, NotebookNode]]:
        root = make_project(shutil.copytree(example, folder / target / "lab of Ann's"), four_targets())
        notebook = nbformat.read(root / "jobs.ipynb", as_version=4)
        for cell in notebook.cells:
            cell.source = cell.source.replace("--on here", f"--on {target}")
        resources = {"metadata": {"path": str(root)}}
        NotebookClient(notebook, timeout=150, kernel_name="python3", resources=resources).execute()
        return target, (root, notebook)

    with pytest.MonkeyPatch.context() as patch:
        settings = {"HOME": str(_sshd.home), "LABNB_PUBLISHER": "0", "LABNB_FOLLOWER_IDLE": "30"}
        for name, text in {**_slurm_cluster.env, **settings}.items():
            patch.setenv(name, text)
        patch.delenv("SSH_AUTH_SOCK", raising=False)
        try:
            with ThreadPoolExecutor(len(BACKENDS)) as pool:
                yield dict(pool.map(execute, BACKENDS))
        finally:
            for root in folder.glob("*/lab of Ann's"):
                end_follower(root)


def pulled_example(root: Path) -> Path:
    """Copy the examples' data and notebook, the data from their DVC remote."""
    root.mkdir()
    shutil.copytree(EXAMPLES / "data", root / "data", ignore=shutil.ignore_patterns("wine.csv"))
    shutil.copytree(EXAMPLES / "remote", root / "remote")
    (root / ".dvc").mkdir()
    shutil.copy(EXAMPLES / ".dvc" / "config", root / ".dvc" / "config")
    shutil.copy(EXAMPLES / "jobs.ipynb", root)
    subprocess.run([sys.executable, "-m", "dvc", "pull", "--quiet"], cwd=root, check=True)
    return root


@pytest.mark.xdist_group("four backends")  # they are executed together, once
@pytest.mark.parametrize("target", BACKENDS)
def test_the_same_notebook_with_another_word(target: str, executed: dict[str, tuple[Path, NotebookNode]]) -> None:
    project, notebook = executed[target]
    index = open_lab(project).jobs.index
    jobs = index.jobs()
    assert [job.state for job in jobs] == [JobState.COMPLETED] * 3
    assert {job.target for job in jobs} == {target}
    cells = {cell["id"]: cell for cell in notebook.cells if cell.cell_type == "code"}
    printed = "".join(one.get("text", "") for one in cells["use"]["outputs"])
    assert "model, accuracy came back from the job forest" in printed
    assert printed.splitlines()[-1].startswith(("0.9", "1.0"))
    assert len(cells["scores"]["outputs"][-1]["data"]["text/plain"].split(",")) == 2
    forest = next(job for job in jobs if job.name == "forest")
    run = open_lab(project).browse.run(forest.id)
    assert run.status is RunStatus.FINISHED
    assert run.metrics["accuracy"] > 0.9
    assert [(use.path, use.dataset, use.version is not None) for use in run.inputs] == [
        ("data/wine.csv", "data/wine.csv", True)
    ]
    assert "wines learned" in (index.folder(forest.id).paths.run.log).read_text()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "p", four_targets())


def test_slurm_says_why(project: Path, slurm: SlurmCluster) -> None:
    with job_kernel(project) as kernel:
        reply = kernel.run("%%labrun --on cluster --partition debgu\npass")
        assert reply.status == "error"
        assert "There is no partition 'debgu'" in reply.stderr
        assert "Did you mean debug?" in reply.stderr
        reply = kernel.run("%%labrun --on cluster --partition short --time 3h\npass")
        assert reply.status == "error"
        uid, _ = kernel.submit("--on cluster", "import time\ntime.sleep(100)")
        job = wait_for_job(project, uid, lambda job: job.state is JobState.RUNNING)
        slurm.run("scancel", job.handle)
        job = kernel.ended(uid, 60)
        assert job.state is JobState.CANCELLED
        assert "cancelled" in job.cause


@pytest.mark.soak
def test_the_time_limit_of_slurm(project: Path, slurm: SlurmCluster) -> None:
    """Slurm looks at time limits every half a minute."""
    with job_kernel(project) as kernel:
        uid, _ = kernel.submit("--on cluster --time 1m", "import time\nprint('begun', flush=True)\ntime.sleep(100)")
        job = wait_for_job(project, uid, lambda job: job.state is JobState.RUNNING)
        slurm.run("scontrol", "update", f"jobid={job.handle}", "EndTime=now+1")
        job = kernel.ended(uid, 60)
        assert (job.state, job.cause.split(".")[0]) == (
            JobState.TIMEOUT,
            "the time limit of 1 min 00 s was reached",
        )


def test_odd_names_are_taken_as_they_are(tmp_path: Path, slurm: SlurmCluster, sshd: Sshd) -> None:
    root = make_project(tmp_path / "od'd $(touch x) \"p%j\\", four_targets())
    (root / ".gitignore").write_text("*.csv\n*.bin\n")
    (root / "we ird $(x).csv").write_text("1,2\n")
    (root / "big.bin").write_bytes(b"x" * 21_000_000)
    (root / "note books").mkdir()
    (root / "note books" / "helper.py").write_text("V = 7\n")
    with job_kernel(root) as kernel:
        kernel.run(f"import os; os.chdir({str(root / 'note books')!r})\nimport helper, labnb")
        uids = [
            kernel.submit(
                f'"n\'a$(me) \\"q\\" ü" --on {target} --out v --param "s=it\'s $(x)"',
                "v = (open('../we ird $(x).csv').read(), helper.V, s, os.path.getsize('../big.bin'))\n"
                "open('out file.txt', 'w').write('1')",
            )[0]
            for target in ("cluster", "farcluster")
        ]
        for uid in uids:
            job = kernel.ended(uid)
            assert (job.state, job.name) == (JobState.COMPLETED, 'n\'a$(me) "q" ü')
            assert kernel.value(f"labnb.job({uid!r}).result()") == str(("1,2\n", 7, "it's $(x)", 21_000_000))
            assert kernel.value(f"labnb.job({uid!r}).outputs()['note books/out file.txt'].read_text()") == "1"
    assert not (root / "x").exists()
    assert not (sshd.far / "x").exists()


def test_a_short_job_beside_a_long_one_is_back_at_once(tmp_path: Path, slurm: SlurmCluster, sshd: Sshd) -> None:
    root = make_project(tmp_path / "p", four_targets())
    with job_kernel(root) as kernel:
        kernel.run("import time, labnb")
        long, _ = kernel.submit("--on far", "import time\ntime.sleep(60)")
        wait_for_job(root, long, lambda job: job.state is JobState.RUNNING)
        short, _ = kernel.submit("--on far --out end", "import time\ntime.sleep(2.5)\nend = time.time()")
        late = float(kernel.value(f"time.time() - labnb.job({short!r}).result()"))
        kernel.run(f"labnb.job({long!r}).cancel()")
        kernel.ended(long)
    assert late < 1.5
