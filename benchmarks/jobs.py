"""Jobs on Slurm and over SSH: how soon the prompt is back, and how soon after its end a result is in the kernel.

Beside submitit on the same cluster, in the same kernel, turn by turn, each as a cell, by the kernel's own clock.
submitit pickles a function and waits for sbatch; labnb also keeps the code, the environment and the closure, checks
partitions and limits before, and calls sbatch beside the prompt. How long sbatch alone takes is therefore told too.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, middle

ROUNDS = 11

_SETUP = """
import subprocess, time, submitit, labnb
def work():
    import time
    return time.time()
executor = submitit.SlurmExecutor(folder={folder!r}, python={python!r})
executor.update_parameters(time=10)
"""
_SBATCH = "subprocess.run(['sbatch', '--parsable', '-o/dev/null', '--wrap=true'], capture_output=True, check=True)"
_CELL = "import time\nend = time.time()"


def main() -> Iterator[Figure]:
    """Needs slurm-wlm, openssh-server and submitit."""
    os.environ["LABNB_PUBLISHER"] = "0"
    from tests.magics.jobs_project import four_targets, job_kernel, make_project
    from tests.services.slurm import SlurmCluster
    from tests.services.sshd import Sshd

    with tempfile.TemporaryDirectory() as folder, SlurmCluster() as cluster, Sshd(cluster.env) as far:
        root = make_project(Path(folder) / "project", four_targets())
        prompts: dict[str, list[float]] = {}
        results: dict[str, list[float]] = {}
        with job_kernel(root, HOME=str(far.home), **cluster.env) as kernel:
            kernel.run(_SETUP.format(folder=str(Path(folder) / "submitit"), python=sys.executable))
            for number in range(ROUNDS + 1):
                for target in ("cluster", "submitit", "sbatch", "far", "farcluster"):
                    if target == "sbatch":
                        prompt, result = _prompt(kernel, _SBATCH)[0], 0.0
                    elif target == "submitit":
                        prompt, _ = _prompt(kernel, "job = executor.submit(work)")
                        result = _late(kernel, "job.result()")
                    else:
                        prompt, uid = _prompt(kernel, f"%%labrun --on {target} --out end\n{_CELL}")
                        result = _late(kernel, f"labnb.job({uid!r}).result()")
                    if number:  # the first of each is not warm
                        prompts.setdefault(target, []).append(prompt)
                        results.setdefault(target, []).append(result)
    prompt_ms = {name: middle(found) * 1000 for name, found in prompts.items()}
    result_ms = {name: middle(found) * 1000 for name, found in results.items()}
    peer = "submitit 1.5.4"
    limit = min(300, prompt_ms["submitit"])
    yield Figure("prompt after --on slurm", prompt_ms["cluster"], "ms", limit, peer, prompt_ms["submitit"])
    yield Figure("sbatch alone", prompt_ms["sbatch"], "ms")
    limit = min(300, result_ms["submitit"])
    yield Figure("result after the end, slurm", result_ms["cluster"], "ms", limit, peer, result_ms["submitit"])
    for target in ("far", "farcluster"):
        yield Figure(f"prompt after --on {target}, connection warm", prompt_ms[target], "ms", 500)
        yield Figure(f"result after the end, {target}", result_ms[target], "ms", 500)


def _prompt(kernel: object, source: str) -> tuple[float, str]:
    """Run a cell; seconds from when the kernel took it until it was idle again, and the run that it made."""
    client, sent, uid = kernel.client, kernel.send(source), ""  # type: ignore[attr-defined]
    moments: dict[str, float] = {}
    while "idle" not in moments:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != sent:
            continue
        content = message["content"]
        assert message["msg_type"] != "error", content
        if message["msg_type"] == "status":
            moments[content["execution_state"]] = message["header"]["date"].timestamp()
        for data in content.get("data", {}).values():
            uid = data.get("uid", uid) if isinstance(data, dict) else uid
    client.get_shell_msg(timeout=10)
    return moments["idle"] - moments["busy"], uid


def _late(kernel: object, call: str) -> float:
    """Wait for a result that is the moment at which the job ended; seconds from then until it is in the kernel."""
    reply = kernel.run(f"end = {call}; print(time.time() - end)")  # type: ignore[attr-defined]
    assert reply.status == "ok", (reply.error, reply.stderr)
    return float(reply.stdout.split()[-1])
