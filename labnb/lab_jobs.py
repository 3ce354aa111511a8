"""The wiring of jobs: `Lab.jobs` puts hosts, executors and stores into their use cases."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from labnb.model.errors import LabError
from labnb.runfolder.job_index import JobIndex
from labnb.runfolder.paths import LabPaths

if TYPE_CHECKING:
    from labnb.model.dataset import DatasetVersion
    from labnb.model.target import Target
    from labnb.usecases.clean_jobs import CleanJobs
    from labnb.usecases.collect_job import CollectJob
    from labnb.usecases.follow_jobs import FollowPlace
    from labnb.usecases.mirror_job import MirrorJobs
    from labnb.usecases.record_run import RecordRun
    from labnb.usecases.send_job import Reach, SendJob
    from labnb.usecases.submit_job import SubmitJob


class JobLab:
    """The jobs of a project; every part is made at first use."""

    def __init__(
        self,
        root: Path,
        paths: LabPaths,
        record: Callable[[], RecordRun],
        announce: Callable[[str], None],
        pull: Callable[[Iterable[DatasetVersion]], object],
    ) -> None:
        self._root = root
        self._pull = pull
        self._record = record
        self._announce = announce
        self.index = JobIndex(paths)

    @cached_property
    def reach(self) -> Reach:
        """Hosts and executors by the words of labnb.toml, and the runner that travels."""
        from labnb import plugins
        from labnb.usecases.runner_program import runner_program
        from labnb.usecases.send_job import Reach

        return Reach(plugins.host, plugins.executor, runner_program, sys.executable)

    @cached_property
    def submit(self) -> SubmitJob:
        from labnb.usecases.submit_job import SubmitJob

        return SubmitJob(self.index, self._record())

    @cached_property
    def send(self) -> SendJob:
        from labnb.adapters.dvc.recorded import DvcRecordedData
        from labnb.usecases.send_job import SendJob
        from labnb.usecases.work_tree import WorkTree

        tree = WorkTree(self._root, self._record().code_store, DvcRecordedData(self._root), self._pull)
        return SendJob(self.index, tree, self.reach, self.collect.refuse)

    @cached_property
    def collect(self) -> CollectJob:
        from labnb.usecases.collect_job import CollectJob

        return CollectJob(self.index, self._record(), self._announce)

    @cached_property
    def clean(self) -> CleanJobs:
        from labnb.usecases.clean_jobs import CleanJobs

        return CleanJobs(self.index, self.reach.host, self.reach.runner, self.send.tree.inside)

    def warm_up(self, targets: Mapping[str, Target]) -> None:
        """Load what the first submission to one of these targets would have to load, ahead of it."""
        from labnb import plugins
        from labnb.capture import slicing, state  # noqa: F401

        _ = self.submit, self.send
        for target in targets.values():
            with contextlib.suppress(LabError):  # said when somebody submits
                plugins.executor(target.executor)
                if not target.host:
                    plugins.host(target.host)
        self.reach.runner()

    def follow(
        self, host: str, executor: str, say: Callable[[str], None], mirror: MirrorJobs | None = None
    ) -> FollowPlace:
        """Follow the jobs of one place. Raises LabError where there is no such host or executor."""

        from labnb.runfolder.mounts import is_shared, mount_of
        from labnb.usecases.follow_jobs import LATE, LATE_HERE, LONGEST_LOOK, PROCESS_LOOK, FollowPlace

        reach = self.reach
        place = FollowPlace(reach.host(host), reach.executor(executor), self.send, self.collect, say, mirror)
        place.late = LATE if host or is_shared(mount_of(self.index.home)[1]) else LATE_HERE
        place.requeues = executor == "slurm"
        place.longest = PROCESS_LOOK if not host and executor == "process" else LONGEST_LOOK
        return place
