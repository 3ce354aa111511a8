"""The only wiring: `open_lab(path)` puts adapters into use cases."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labnb.config import Config, find_root, load_config, written
from labnb.model.address import absolute, without_secrets
from labnb.model.errors import ConfigError, LabError, StoreError
from labnb.model.run import Note
from labnb.runfolder.mounts import misplaced
from labnb.runfolder.paths import LabPaths

if TYPE_CHECKING:
    from labnb.adapters.mlflow.join import MlflowJoin
    from labnb.lab_data import DataLab
    from labnb.lab_index import IndexLab
    from labnb.lab_jobs import JobLab
    from labnb.model.closure import Closure
    from labnb.model.health import Facts, ServerFacts, TargetFacts
    from labnb.ports.secret_scanner import SecretScanner
    from labnb.usecases.browse import Browse
    from labnb.usecases.record_run import RecordRun


class Lab:
    """A project with its stores; every part is made at first use, so that opening a lab costs nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._written = written(root)
        self._paths: tuple[tuple[int, ...], LabPaths] | None = None
        #: Says why the settings that stand in labnb.toml now are not in force, where they are not.
        self.notes: tuple[Note, ...] = ()

    def current(self) -> Lab:
        """Give the project with the settings as they stand now: itself where they are the same, or cannot be read."""
        now = written(self.root)
        if now == self._written:
            return self
        fresh = Lab(self.root)
        try:
            fresh.config = load_config(self.root)
        except ConfigError as error:
            self._written = now
            self.notes = (Note(error.code, f"{error.message} The settings that were there before hold.", error.hint),)
            return self
        return fresh

    @property
    def paths(self) -> LabPaths:
        """Every path name of the project; the place of the embedded store follows labnb.toml as it is now."""
        now = written(self.root)
        if self._paths is None or self._paths[0] != now:
            self._paths = now, lab_paths(self.root)
        return self._paths[1]

    @cached_property
    def config(self) -> Config:
        """The settings in force; raises ConfigError."""
        return load_config(self.root)

    @cached_property
    def scanner(self) -> SecretScanner:
        from labnb.adapters.secrets import DetectSecretsScanner

        return DetectSecretsScanner()

    @cached_property
    def record_run(self) -> RecordRun:
        from labnb.adapters.dvc import DvcDataStore
        from labnb.adapters.environment import ProcessEnvironment
        from labnb.adapters.git import GitCodeStore
        from labnb.usecases.record_run import RecordRun

        megabyte = 1_000_000
        code_store = GitCodeStore(
            self.root,
            self.scanner,
            private=self.paths.code,
            max_file=self.config.max_file_mb * megabyte,
            max_total=self.config.max_total_mb * megabyte,
        )
        return RecordRun(
            lab=self.paths,
            code_store=code_store,
            data_store=DvcDataStore(self.root),
            environment=ProcessEnvironment(self.paths.cache),
            scanner=self.scanner,
            user=user_name(),
            export=_export,
            keep=lambda: self.data.keeping(
                self.config.data_policy, self.config.max_version_mb * megabyte, code_store.follow
            ),
        )

    def keep_left(self) -> None:
        """Go on keeping the large data of runs whose kernels ended meanwhile, in a thread."""
        keep = self.record_run.keep
        if keep is not None and self.paths.keeping.is_dir():
            from labnb.usecases.keep_late import KeepLate

            KeepLate(keep(), self.paths, lambda run: self.announce(run.uid)).take_up()

    @cached_property
    def data(self) -> DataLab:
        """The Data Store: datasets, their versions, and what is done with them."""
        from labnb.lab_data import DataLab

        runs = self.browse.runs
        return DataLab(self.root, self.paths, lambda: runs(limit=None).items, user_name(), self.config.data_remote)

    @cached_property
    def browse(self) -> Browse:
        from labnb.usecases.browse import Browse

        return Browse(self.paths)

    @cached_property
    def many(self) -> IndexLab:
        """Index, curves, comparison and details: what shows many runs."""
        from labnb.lab_index import IndexLab

        return IndexLab(self.root, self.paths, self.browse, self.announce, lambda: self.scanner)

    @cached_property
    def jobs(self) -> JobLab:
        """The jobs of the project, and what is done with them."""
        from labnb.lab_jobs import JobLab

        return JobLab(
            self.root,
            self.paths,
            lambda: self.record_run,
            self.announce,
            lambda versions: self.data.writer.pull(versions, self.config.data_remote),
        )

    def facts(self) -> Facts:
        """Gather what `labnb doctor` goes by; a part that fails is told, not raised."""
        from labnb.adapters.dvc.health import dvc_projects, dvc_version
        from labnb.adapters.git.health import git_facts
        from labnb.adapters.machine import jupyter_facts, limit_facts, place_facts, python_facts
        from labnb.adapters.mlflow.health import store_facts
        from labnb.model.health import Facts

        settings, hint = "", ""
        files: tuple[str, ...] = ()
        try:
            files = tuple(str(path) for path in self.config.files)
        except ConfigError as error:
            settings, hint = error.message, error.hint
        return Facts(
            python=python_facts(),
            jupyter=jupyter_facts(),
            git=git_facts(self.root),
            dvc_version=dvc_version(),
            dvc=dvc_projects(self.root),
            store=store_facts(self.paths),
            place=place_facts(self.paths.home),
            store_place=place_facts(self.paths.store) if self.paths.store else None,
            limits=limit_facts(),
            settings=settings,
            settings_hint=hint,
            settings_files=files,
            servers=self._server_facts(),
            targets=self._target_facts(),
            data_remote=self.config.data_remote if not settings else "",
        )

    def _server_facts(self) -> tuple[ServerFacts, ...]:
        from labnb.adapters.mlflow.embedded import uri_of
        from labnb.adapters.mlflow.server import server_facts

        named = [absolute(os.environ.get("MLFLOW_TRACKING_URI", ""), os.getcwd())]
        with contextlib.suppress(ConfigError):
            named.append(self.config.tracking_uri)
        return tuple(server_facts(uri) for uri in dict.fromkeys(named) if uri and uri != uri_of(self.paths))

    def _target_facts(self) -> tuple[TargetFacts, ...]:
        from labnb.adapters.machine import missing_programs
        from labnb.model.health import TargetFacts
        from labnb.plugins import EXECUTORS, HERE, HOSTS, load

        found = []
        with contextlib.suppress(ConfigError):
            for target in self.config.targets.values():
                problem, hint = "", ""
                try:
                    load(EXECUTORS, "executor", target.executor)
                    load(HOSTS, "kind of host", target.host.partition("://")[0] or HERE)
                    missing = () if target.host else missing_programs(target.executor)
                    if missing:
                        problem = f"{', '.join(missing)} not on PATH, and it has no host."
                        hint = 'Give it a host = "ssh://…" where they are, or start Jupyter there.'
                except LabError as error:
                    problem, hint = error.message, error.hint
                found.append(TargetFacts(target.name, target.executor, target.host, problem, hint))
        return tuple(found)

    def mlflow_join(self) -> MlflowJoin:
        """What brings the researcher's own MLflow calls into the run; imports MLflow only if they do."""
        from labnb.adapters.mlflow.join import MlflowJoin

        return MlflowJoin(self.config.experiment)

    def announce(self, uid: str) -> None:
        """Have the run published to the Result Store beside the work; starts the publisher where none lives."""
        from labnb.runfolder.queue import announce

        remember_store(self.paths, uid)
        if not announce(self.paths, uid):
            raise StoreError("The run is recorded, but not published.", "labnb sync publishes it.")


def open_lab(path: str | os.PathLike[str] | None = None) -> Lab:
    """Open the project that a folder (by default the current one) belongs to."""
    return Lab(find_root(Path(path) if path is not None else Path.cwd()))


def lab_paths(root: Path) -> LabPaths:
    """Say where a project keeps what labnb writes, and whether its embedded store may lie there. Never raises."""
    plain = LabPaths(root)
    try:
        named = os.path.expanduser(os.path.expandvars(load_config(root).store_path))
    except ConfigError:  # half a labnb.toml makes no second store
        folder = plain.last_store()
        return LabPaths(root, None if folder == plain.mlflow else folder, misplaced(folder))
    if not named:
        return LabPaths(root, None, misplaced(plain.mlflow))
    folder, why = store_folder(root, named), ""
    if "$" in named or named.startswith("~"):
        why = f"The embedded MLflow store is not used: [store] path names what is not known here, {named}."
    return LabPaths(root, folder, why or misplaced(folder))


def store_folder(root: Path, place: str) -> Path:
    """Give the project its own folder in the one that `[store] path` names: two projects may name the same."""
    mark = hashlib.sha256(os.fsencode(root)).hexdigest()[:10]
    return root / place / f"{root.name or 'project'}-{mark}"


def remember_store(lab: LabPaths, uid: str) -> None:
    """Note with the run which MLflow store this process names, for a publisher that somebody else has started.

    The address alone: how to log in there is MLflow's own business.
    """
    from labnb.adapters.mlflow.embedded import uri_of
    from labnb.runfolder.folder import RunFolder

    named = os.environ.get("MLFLOW_TRACKING_URI", "").strip()
    if named and named != uri_of(lab):
        with contextlib.suppress(OSError):
            RunFolder(lab.run(uid)).write_tracking(without_secrets(absolute(named, os.getcwd())))


def user_name() -> str:
    """The person: JupyterHub's user where there is a hub, else the system's."""
    hub_user = os.environ.get("JUPYTERHUB_USER")
    if hub_user:
        return hub_user
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def _export(closure: Closure) -> tuple[str, dict[str, Any]]:
    from labnb.exporters.notebook import to_notebook
    from labnb.exporters.script import to_script

    return to_script(closure), to_notebook(closure)
