"""`%%labrun --on TARGET`: what the session gives for a job, checked before anything is written."""

from __future__ import annotations

import ast
import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from labnb.config import load_config
from labnb.magics.cell_checks import bound_anywhere, parsed, refuse_asking
from labnb.model.cell import Cell, ExecutedCell
from labnb.model.errors import LabError, UnknownName, UsageError, nearest
from labnb.model.run import Note
from labnb.model.target import Target
from labnb.model.values import asked_params, slice_params

if TYPE_CHECKING:
    from labnb.lab import Lab
    from labnb.magics.request import LabrunRequest
    from labnb.model.closure import Closure
    from labnb.model.job import Job
    from labnb.runfolder.job_index import JobFolder
    from labnb.usecases.submit_job import Draft

#: Seconds that the prompt waits for jobs to come to a far target; after that they go on alone.
PATIENCE_FAR = 0.25
T = TypeVar("T")


class Submission:
    """One `%%labrun --on`: made in the submitting cell."""

    def __init__(self, shell: Any, lab: Lab, session: Any, request: LabrunRequest, body: str, source: str) -> None:
        self._shell = shell
        self._lab = lab
        self._session = session
        self._request = request
        self._body = body
        self._source = source
        self._here = False

    def submit(self) -> list[JobFolder]:
        """Check and write; `send` is next. Raises LabError, and nothing is left behind; afterwards the jobs tell."""
        request = self._request
        target = find_target(load_config(self._lab.root).targets, request.job.target)
        resources = request.job.resources.over(target.resources)
        after = tuple(uid for word in request.job.after for uid in self._jobs(word))
        jobs, here = self._lab.jobs.submit, not target.host
        self._here = here
        uid = jobs.next_uid()
        # Mostly git and Slurm at work: beside them the cell is read and its values are packed.
        code = Beside(lambda: jobs.take(uid))
        checked = Beside(lambda: self._lab.jobs.send.check(target, resources) if here else None)
        try:
            draft = self._draft(target, after)
            checked.done()
            members = request.job.members if request.job.each else ()
            folders = jobs.submit(draft, members, (uid, code.done), wake=not here)
        except BaseException:
            if not self._lab.paths.run(uid).run.exists():
                jobs.spare.append(uid)
            raise
        if not here:
            wait_until_sent(folders, PATIENCE_FAR)
        return folders

    def _jobs(self, word: str) -> tuple[str, ...]:
        """Give the job of an id, or all of an array's. Raises NotFound."""
        index = self._lab.jobs.index
        group = index.group(word)
        return group.jobs if group is not None else (index.folder(word).uid,)

    def _draft(self, target: Target, after: tuple[str, ...]) -> Draft:
        from labnb.capture.slicing import slice_session
        from labnb.capture.state import needs_ipython, pack
        from labnb.usecases.submit_job import Draft

        request, names, root = self._request, self._shell.user_ns, self._lab.root
        # A line stands for that of the magic, so that tracebacks tell the lines of the cell as it stands.
        python = f"#\n{self._shell.transform_cell(self._body)}"
        tree = parsed(python)
        refuse_asking(tree, names)
        cell = self._cell()
        closure = slice_session(list(self._session.history), ExecutedCell(cell, python))
        self._lab.jobs.index.make()
        packed = pack(closure, names, self._session.history, root, self._lab.jobs.index.store.objects)
        bind = {**request.params, **dict.fromkeys(name for name, _ in request.job.each)}
        notes = [*packed.notes]
        self._check_names(tree, [name for name in packed.missing if name not in bind])
        folder, told = self._folder()
        notes += told
        params = {**slice_params(closure, frozenset(request.metrics)), **request.plain_params}
        for name in request.watched:
            if name in names:
                params.update(asked_params(name, names[name]))
        stem = Path(cell.notebook).stem if cell.notebook else "cell"
        return Draft(
            name=request.name or f"{stem}-{cell.execution_count}",
            cell=cell,
            python=python,
            target=target,
            resources=request.job.resources.over(target.resources),
            needs_ipython=needs_ipython(python),
            label=f"In [{cell.execution_count}]",
            closure=closure,
            state={
                "names": {name: how for name, how in packed.names.items() if name not in bind},
                "state": packed.state,
                "objects": packed.objects,
                "by_value": packed.by_value,
                "path": tuple(_inside(path, root) for path in packed.search_path),
            },
            params=params,
            bind=request.params,
            tags=request.tags,
            metrics=request.metrics,
            watched=request.watched,
            out=request.job.out,
            after=after,
            folder=folder,
            files=tuple(self._files(tree, closure)),
            notes=tuple(notes),
        )

    def _cell(self) -> Cell:
        from labnb.magics.recorder import notebook_path

        info = getattr(self._session, "running", None)
        return Cell(
            source=self._source,
            notebook=notebook_path(self._shell),
            cell_id=getattr(info, "cell_id", None),
            execution_count=self._shell.execution_count,
        )

    def _check_names(self, tree: ast.AST, missing: list[str]) -> None:
        """Refuse what could only fail, after hours in a queue perhaps."""
        bound, sure = bound_anywhere(tree)
        names = self._shell.user_ns
        if not sure:
            return
        for name in missing:
            if name not in bound:
                raise UsageError(f"The cell uses {name}, and there is no such name here.", nearest(name, names))
        for name in self._request.job.out:
            if name not in bound and name not in names:
                raise UsageError(f"The cell makes no {name} that could come back.", nearest(name, bound))

    def _folder(self) -> tuple[str, list[Note]]:
        """Give the working directory, relative to the project."""
        here = Path.cwd()
        if here.is_relative_to(self._lab.root):
            inner = here.relative_to(self._lab.root).as_posix()
            return ("" if inner == "." else inner), []
        text = f"The session's folder {here} is outside of the project; the job runs in the project's folder."
        return "", [Note("folder", text)]

    def _files(self, tree: ast.AST, closure: Closure) -> set[str]:
        """Guess which files of the project the cell needs: texts in it, and values of names in it."""
        texts: list[Any] = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        texts += [self._shell.user_ns.get(name) for name in closure.free]
        found = set()
        for text in texts:
            if not isinstance(text, (str, os.PathLike)) or not 0 < len(str(text)) < 1000 or "\n" in str(text):
                continue
            path = Path(os.path.abspath(os.path.expanduser(os.fspath(text))))
            try:
                if path != self._lab.root and path.is_relative_to(self._lab.root) and path.exists():
                    found.add(path.relative_to(self._lab.root).as_posix())
            except (OSError, ValueError):
                continue
        return found

    def send(self, folders: list[JobFolder]) -> None:
        """Bring jobs to this machine's own executor, beside the prompt; far ones are the follower's.

        Where the kernel dies in between, the follower goes on: it lives, and is woken afterwards, or it would send.
        """
        from labnb.capture.files import aside

        if not self._here:
            return
        send = self._lab.jobs.send

        def work() -> None:
            with aside():  # what labnb reads here is read by no cell
                self._lab.jobs.index.follower.see_to_it()
                with contextlib.suppress(LabError, OSError):  # the follower meets the same, and tells it
                    for folder in folders:
                        send.send(folder)
                with contextlib.suppress(LabError, OSError):
                    self._lab.jobs.index.announce(*(one.uid for one in folders if not one.read().collected))

        threading.Thread(target=work, name="labnb-send", daemon=True).start()


class Beside(Generic[T]):
    """Something that is done in a thread beside the caller; `done` waits for it, gives its answer, raises its error."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._answer: list[T] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="labnb-check", daemon=True)
        self._thread.start()

    def done(self) -> T:
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._answer[0]

    def _work(self) -> None:
        from labnb.capture.files import aside

        with aside():
            try:
                self._answer.append(self._call())
            except Exception as error:  # noqa: BLE001 - raised where somebody waits
                self._error = error


def find_target(targets: Mapping[str, Target], name: str) -> Target:
    """Give a target by its name; raises UnknownName that says what there is, or how to name one."""
    if name in targets:
        return targets[name]
    error = UnknownName("target", name, targets)
    if not targets:
        error.hint = f'labnb.toml names the places where jobs run: [targets.{name}] executor = "process".'
    raise error


def wait_until_sent(folders: list[JobFolder], seconds: float) -> list[Job]:
    """Wait until the follower has brought the jobs to their target, or one was refused; at most `seconds`."""
    from labnb.runfolder.name_watch import NameWatch

    deadline = time.monotonic() + seconds
    with NameWatch() as watch:
        watch.follow([folder.paths.home for folder in folders])
        while True:
            jobs = [folder.read() for folder in folders]
            left = deadline - time.monotonic()
            if left <= 0 or all(job.handle or job.state.ended for job in jobs):
                return jobs
            watch.wait(left, {"job.json"})


def _inside(path: str, root: Path) -> str:
    """Give a folder of the project, or of its repository, relative to the project; others stay as they are."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    return os.path.relpath(path, root) if Path(path).is_relative_to(top) else path
