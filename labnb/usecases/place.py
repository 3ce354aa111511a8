"""Where a job lies on its target."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from labnb.model.job_request import JobRequest
from labnb.model.target import Target


@dataclass(frozen=True)
class Place:
    """The paths of a job on its target: its folder, the runner, what jobs share, and the lock of its environment.

    `seen` are further folders that hold what the work tree links to: an image must see them too.
    """

    folder: str
    runner: str
    store: str
    environments: str
    lock: str
    lock_digest: str
    seen: tuple[str, ...] = ()


def jobs_folder(target: Target, root: Path) -> str:
    """Name the folder of a project's jobs on a far host: another machine's project of the same name has its own."""
    above = target.folder or "~/.labnb/jobs"
    mark = hashlib.sha256(os.fsencode(f"{socket.gethostname()}:{root}")).hexdigest()[:8]
    name = re.sub(r"[^\w.-]", "_", root.name) or "project"
    return f"{above.rstrip('/')}/{name}-{mark}"


def placed(request: JobRequest, work: Path, objects: Path) -> JobRequest:
    """Give the request with the paths of its target, once; `work_folder` was relative to the project before."""
    if request.work_folder.startswith("/"):
        return request
    folder = work / request.work_folder
    # Folders beside the project in its repository begin with "..".
    path = tuple(dict.fromkeys((str(folder), str(work), *(os.path.normpath(work / one) for one in request.path))))
    return dataclasses.replace(
        request, work_folder=str(folder), project_folder=str(work), path=path, objects_folder=str(objects)
    )


def unplaced(request: JobRequest) -> JobRequest:
    """Take the paths of a target from a request again: another job lies elsewhere."""
    above = request.project_folder
    if not above:
        return request

    def inner(path: str) -> str:
        return path if not path.startswith("/") else os.path.relpath(path, above) if _near(path, above) else path

    path = tuple(inner(one) for one in request.path)
    return dataclasses.replace(request, work_folder=inner(request.work_folder), project_folder="", path=path)


def _near(path: str, above: str) -> bool:
    """Whether a path is the work tree's own, at whatever depth of its repository the project lies."""
    tree = above.partition("/job/work")[0] + "/job/work"
    return path == tree or path.startswith(f"{tree}/")
