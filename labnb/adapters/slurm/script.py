"""The words of an sbatch command and the text of its script: pure functions of an order."""

from __future__ import annotations

import posixpath
import re
import shlex

from labnb.model.errors import ExecutorError
from labnb.model.resources import Resources
from labnb.ports.executor import Order

#: Begins every comment, so that labnb's jobs are known among others'.
MARK = "labnb:"
#: How much of the token the job's name ends with.
TOKEN_END = 12
_MEBIBYTE = 1 << 20
_NOWHERE = "/dev/null"
# What labnb itself must say, for a job to be found again and its log to be read.
_OURS = ("--comment", "--output", "--error", "--parsable", "--array", "--wrap", "--chdir", "--job-name", "--signal")
_OURS_SHORT = ("-o", "-e", "-a", "-D", "-J")


def words(order: Order) -> list[str]:
    """Give the words of sbatch for an order, whose script comes on stdin.

    They go to sbatch as they are, word by word: unlike #SBATCH lines they need no quoting, whatever a folder's name is.
    Raises ExecutorError for an option that labnb itself must set.
    """
    found = [
        "sbatch",
        "--parsable",
        f"--comment={MARK}{order.token}",
        f"--job-name={job_name(order)}",
        # A job that runs a second time goes on in the same log.
        "--open-mode=append",
        f"--output={_pattern(order)}",
        f"--signal=B:USR2@{_grace(order)}",
        "--requeue",
    ]
    if order.after:
        found += [f"--dependency=afterok:{':'.join(order.after)}", "--kill-on-invalid-dep=yes"]
    return [*found, *resource_words(order.resources)]


def resource_words(resources: Resources) -> list[str]:
    """Say in Slurm's words what is asked for; the free options come last, so that they win."""
    found = []
    if resources.nodes:
        found += [f"--nodes={resources.nodes}", "--ntasks-per-node=1"]
    if resources.cpus:
        found.append(f"--cpus-per-task={resources.cpus}")
    if resources.gpus:
        found.append(f"--gres=gpu:{resources.gpus}")
    if resources.memory:
        found.append(f"--mem={-(-resources.memory // _MEBIBYTE)}M")
    if resources.time:
        found.append(f"--time={resources.time // 60}:{resources.time % 60:02}")
    for name in ("partition", "account", "qos", "constraint"):
        if value := getattr(resources, name):
            found.append(f"--{name}={value}")
    for option in resources.options:
        name = option.partition("=")[0].partition(" ")[0]
        if name in _OURS or (option[:2] in _OURS_SHORT and not option.startswith("--")):
            raise ExecutorError(f"The option {name} of sbatch is labnb's own.", "Take it out of options.")
        found += shlex.split(option)
    return found


def script(order: Order) -> str:
    """Write the script: the owner's lines, then the job in place of the shell, so that signals reach it."""
    # A login shell knows `module`; without such lines the few hundred milliseconds that it takes are saved.
    lines = ["#!/bin/bash -l" if order.setup else "#!/bin/bash", f"cd {shell_word(order.folder)} || exit 72"]
    if _pattern(order) == _NOWHERE:
        lines.append(f"exec >>{shell_word(order.log)} 2>&1")
    if order.resources.cpus:
        lines.append("export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}")
    lines += order.setup
    lines.append(f"exec {' '.join(shell_word(word) for word in order.command)}")
    return "\n".join(lines) + "\n"


def job_name(order: Order) -> str:
    """Name the job as people see it in squeue; its end tells the token where accounting keeps no comments."""
    # squeue counts bytes where it writes columns.
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in order.name)[:40]
    return f"{plain or 'labnb'}{name_end(order.token)}"


def name_end(token: str) -> str:
    """Give what the name of a token's job ends with."""
    return f".{token[-TOKEN_END:]}"


def shell_word(word: str) -> str:
    """Quote a word for a shell; "~/" at its start stays the home of whoever runs it."""
    if word.startswith("~/"):
        return f'"$HOME"/{shlex.quote(word[2:])}'
    return shlex.quote(word)


def _pattern(order: Order) -> str:
    """Name the log from the job's folder, in which sbatch is called."""
    path = posixpath.relpath(order.log, order.folder)
    # Slurm reads % and \\ in the names of logs and in those of the folders above; the script opens such a log itself.
    return _NOWHERE if re.search(r"[%\\\n]", order.folder + path) else path


def _grace(order: Order) -> int:
    grace = min(order.grace, 65535)
    # Asked for more than there is, Slurm would send it at once.
    return max(1, min(grace, order.resources.time // 2) if order.resources.time else grace)
