"""Slurm as an executor: sbatch, squeue, sacct and scancel on the host."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping

from labnb.adapters.slurm.commands import (
    CANCEL,
    LOOK,
    RELEASE,
    SACCT,
    SUBMIT,
    SUBMIT_AGAIN,
    may_be_there,
    run,
    text_of,
    trouble,
)
from labnb.adapters.slurm.limits import check
from labnb.adapters.slurm.script import MARK, name_end, script, words
from labnb.adapters.slurm.states import from_sacct, from_squeue, id_from_squeue, stuck
from labnb.model.errors import ExecutorError, HostUnreachable
from labnb.model.resources import Resources
from labnb.model.run import Note
from labnb.ports.executor import Order, Sight
from labnb.ports.host import Host

# Seconds that sbatch may take; a busy controller needs a while.
SUBMITTING = 90.0
# So often a job is released that a node did not start; then there is more to it.
RELEASES = 3


class SlurmExecutor:
    """Submits jobs to Slurm. Handles are its job numbers, which it may give twice: the token in the comment decides."""

    def __init__(self) -> None:
        # Whether accounting answers on a host; asked once.
        self._accounting: weakref.WeakKeyDictionary[Host, bool] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        # How often a job was released that Slurm held since a node had not started it.
        self._released: dict[str, int] = {}

    def check(self, host: Host, resources: Resources) -> tuple[Note, ...]:
        """Compare what is asked for with the partitions, their limits and the user's accounts."""
        return check(host, resources)

    def submit(self, host: Host, order: Order) -> str:
        """Submit a job unless Slurm has one with its token."""
        mark = f"{MARK}{order.token}"
        text = script(order).encode()
        try:
            how = SUBMIT_AGAIN if order.again else SUBMIT
            done = run(
                host, how, mark, name_end(order.token), order.folder, *words(order), stdin=text, timeout=SUBMITTING
            )
        except HostUnreachable as error:
            hint = "Whether the job is there is found out when it is submitted again."
            raise HostUnreachable(f"sbatch was not heard to the end: {error.message}", hint) from error
        if done.code:
            # The controller may have taken the job although its answer was lost on the way.
            found = self._find(host, order.token) if may_be_there(done) else ""
            if found:
                return found
            raise trouble(done, "Slurm does not take the job")
        handle = done.out.decode(errors="replace").split(";")[0].strip()
        if not handle.isdigit():
            raise ExecutorError(f"sbatch answered {handle[:200]!r}.")
        return handle

    def look(self, host: Host, tokens: Mapping[str, str]) -> dict[str, Sight]:
        """Ask squeue once of all; sacct once of those that it does not know any more."""
        if not tokens:
            return {}
        text = text_of(run(host, LOOK), "Slurm does not tell of its jobs")
        found = from_squeue(text, tokens)
        self._let_go(host, stuck(text, tokens))
        gone = {token: handle for token, handle in tokens.items() if token not in found and handle.isdigit()}
        if gone and self._accounting.get(host, True):
            found.update(self._ask_accounting(host, gone))
        return found

    def cancel(self, host: Host, tokens: Mapping[str, str]) -> None:
        """Have Slurm end the jobs with these tokens: SIGTERM, and SIGKILL after its KillWait."""
        if tokens:
            marks = "".join(f"{MARK}{token}\n{name_end(token)}\n" for token in tokens).encode()
            text_of(run(host, CANCEL, stdin=marks), "Slurm does not cancel the jobs")

    def _let_go(self, host: Host, held: Mapping[str, str]) -> None:
        """Have those started again whose node refused them, as one does that still ends what a controller forgot.

        Otherwise they are held until somebody releases them. Whoever may not do that is told at the next look.
        """
        again = {token: number for token, number in held.items() if self._released.get(token, 0) < RELEASES}
        for token in again:
            self._released[token] = self._released.get(token, 0) + 1
        if again:
            run(host, RELEASE, ",".join(again.values()))

    def _find(self, host: Host, token: str) -> str:
        try:
            return id_from_squeue(text_of(run(host, LOOK), ""), token)
        except (ExecutorError, HostUnreachable):
            return ""

    def _ask_accounting(self, host: Host, gone: Mapping[str, str]) -> dict[str, Sight]:
        done = run(host, SACCT, ",".join(gone.values()))
        if done.code == 0:
            return from_sacct(done.out.decode(errors="replace"), gone)
        if done.code == 127 or b"accounting storage is disabled" in done.err:
            with self._lock:
                self._accounting[host] = False
            return {}
        raise trouble(done, "Slurm's accounting does not answer")
