"""Jobs on Slurm and over SSH: how soon the prompt is back, and how soon after its end a result is in the kernel.

Beside submitit on the same cluster, in the same kernel, turn by turn. submitit pickles a function and calls sbatch;
labnb also keeps the code, the environment and the closure, and checks partitions and limits before.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, middle

ROUNDS = 7

_SETUP = """
import time, submitit, labnb
folder = {folder!r}
def work():
    import time
    return time.time()
def by_hand():
    executor = submitit.SlurmExecutor(folder=folder, python={python!r})
    executor.update_parameters(time=10)
    begun = time.time()
    job = executor.submit(work)
    submitted = time.time() - begun
    end = job.result()
    print(submitted, time.time() - end)
"""
_CELL = "import time\nend = time.time()"


def main() -> Iterator[Figure]:
    """Needs slurm-wlm, openssh-server and submitit."""
    os.environ["LABNB_PUBLISHER"] = "0"
    from tests.magics.jobs_project import four_targets, job_kernel, make_project
    from tests.services.slurm import SlurmCluster
    from tests.services.sshd import Sshd

    with tempfile.TemporaryDirectory() as folder, SlurmCluster() as cluster, Sshd(cluster.env) as far:
        root = make_project(Path(folder) / "project", four_targets())
        times: dict[str, list[tuple[float, float]]] = {"cluster": [], "far": [], "farcluster": [], "submitit": []}
        with job_kernel(root, HOME=str(far.home), **cluster.env) as kernel:
            kernel.run(_SETUP.format(folder=str(Path(folder) / "submitit"), python=sys.executable))
            for number in range(ROUNDS + 1):
                for target in ("cluster", "submitit", "far", "farcluster"):
                    if target == "submitit":
                        submitted, late = map(float, kernel.run("by_hand()").stdout.split()[-2:])
                    else:
                        submitted, late = _round(kernel, target)
                    if number:  # the first of each is not warm
                        times[target].append((submitted, late))
    middles = {name: [middle(column) * 1000 for column in zip(*found, strict=True)] for name, found in times.items()}
    peer = "submitit 1.5.4"
    yield Figure(
        "prompt after --on slurm, sbatch included", middles["cluster"][0], "ms", 300, peer, middles["submitit"][0]
    )
    yield Figure("result after the end, slurm", middles["cluster"][1], "ms", 300, peer, middles["submitit"][1])
    for target in ("far", "farcluster"):
        yield Figure(f"prompt after --on {target}, connection warm", middles[target][0], "ms", 500)
        yield Figure(f"result after the end, {target}", middles[target][1], "ms", 500)


def _round(kernel: object, target: str) -> tuple[float, float]:
    """Submit once; seconds in the kernel until the prompt, and between the cell's end and the value in the kernel."""
    run = kernel.run  # type: ignore[attr-defined]
    run("begun = time.time()")
    reply = run(f"%%labrun --on {target} --out end\n{_CELL}")
    assert reply.status == "ok", (reply.error, reply.stderr)
    # IPython's own way to the next cell is in it.
    submitted = float(run("print(time.time() - begun)").stdout.split()[-1])
    late = float(run(f"end = labnb.job({reply.run['uid']!r}).result(); print(time.time() - end)").stdout.split()[-1])
    return submitted, late
