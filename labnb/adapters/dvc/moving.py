"""Moves objects to and from a remote by DVC's own library; runs in the child process."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import Any

from dvc.repo import Repo
from dvc_objects.executors import ThreadPoolExecutor
from dvc_objects.fs.local import localfs
from fsspec.callbacks import Callback

from labnb.adapters.dvc.complaints import explained
from labnb.adapters.dvc.worker import Tell
from labnb.model.errors import DataStoreError, LabError, StoreCorrupt, StoreUnreachable

# File systems on which an upload that is broken off leaves a part of the file under its own name.
_IN_PLACE = {"ssh", "sftp", "webdav", "webdavs", "hdfs", "webhdfs"}
_TRY = b"labnb tries whether it may write here"


class _Count(Callback):  # type: ignore[misc]  # fsspec ships no types
    """Tells the bytes of all files together."""

    def __init__(self, tell: Tell, bytes_of_file: bool = False) -> None:
        super().__init__()
        self._tell, self._bytes, self._so_far = tell, bytes_of_file, 0

    def relative_update(self, inc: int = 1) -> None:
        if self._bytes:
            self._tell(int(inc))

    def absolute_update(self, value: int) -> None:
        if self._bytes and value > self._so_far:
            self._tell(int(value - self._so_far))
            self._so_far = value

    def branched(self, path_1: str, path_2: str, **kwargs: Any) -> Callback:
        return _Count(self._tell, bytes_of_file=True)


def answer(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Do what the request asks: fetch, push or try."""
    name, url = request["remote"], request["url"]
    with contextlib.closing(Repo(request["top"])) as repo, _told(repo, name, url):
        remote = repo.cloud.get_remote(name)
        if remote.fs.version_aware or remote.worktree:
            raise DataStoreError(
                f"Remote {name!r} keeps versions by the cloud's own means, which labnb does not use.",
                "dvc push and dvc pull do; or make another remote without version_aware.",
            )
        if request["do"] == "fetch":
            _check_folder(remote, name)
            return _fetch(remote.odb, request["objects"], request["into"], tell)
        if request["do"] == "push":
            return _push(remote.odb, request["objects"], tell)
        return _try(repo, remote, request)


@contextlib.contextmanager
def _told(repo: Any, name: str, url: str) -> Iterator[None]:
    """Translate what goes wrong with a remote, without what its settings keep secret."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        raise explained(error, name, url, _secrets(repo, name)) from error


def _secrets(repo: Any, name: str) -> list[str]:
    settings = repo.config["remote"].get(name, {})
    public = {"url", "endpointurl", "region", "user", "port", "verify", "jobs", "timeout", "keyfile", "profile"}
    return [str(value) for key, value in settings.items() if key not in public and len(str(value)) > 3]


def _check_folder(remote: Any, name: str) -> None:
    """Tell a folder that is not there from one that lacks some objects; raises StoreUnreachable."""
    if remote.fs.protocol == "local" and not remote.fs.exists(remote.path):
        raise StoreUnreachable(
            f"Remote {name!r} is the folder {remote.path}, which is not there.",
            "Is its disk mounted? Or nothing was pushed there yet: labnb data push.",
        )


def _fetch(odb: Any, objects: list[str], into: str, tell: Tell) -> dict[str, Any]:
    """Copy objects into a folder, each under its digest once it is whole; tell which the remote does not have."""
    odb.fs.exists(odb.path)  # one question tells whether anybody is there at all

    def bring(md5: str) -> str | None:
        part = os.path.join(into, f"{md5}.part")
        try:
            odb.fs.get_file(odb.oid_to_path(md5), part, callback=_Count(tell, bytes_of_file=True))
        except FileNotFoundError:
            return md5
        os.replace(part, os.path.join(into, md5))
        return None

    with ThreadPoolExecutor(max_workers=odb.fs.jobs, cancel_on_error=True) as pool:
        return {"missing": [md5 for md5 in pool.imap_unordered(bring, objects) if md5 is not None]}


def _push(odb: Any, objects: list[list[Any]], tell: Tell) -> dict[str, Any]:
    """Copy objects (digest, path, size), listings of folders last: what is listed in a remote is there."""
    files = [item for item in objects if not item[0].endswith(".dir")]
    listings = [item for item in objects if item[0].endswith(".dir")]
    sent = _send(odb, files, tell) + _send(odb, listings, tell)
    return {"sent": sent}


def _send(odb: Any, objects: list[list[Any]], tell: Tell) -> list[str]:
    if not objects:
        return []
    there = set(odb.oids_exist([md5 for md5, _, _ in objects], jobs=odb.fs.jobs))
    protocol = odb.fs.protocol
    in_place = bool(_IN_PLACE & {protocol} if isinstance(protocol, str) else _IN_PLACE & set(protocol))
    if in_place or protocol == "local":
        there -= _cut_short(odb, [item for item in objects if item[0] in there])
    todo = [item for item in objects if item[0] not in there]
    for _, _, size in (item for item in objects if item[0] in there):
        tell(size)
    if in_place:
        with ThreadPoolExecutor(max_workers=odb.fs.jobs, cancel_on_error=True) as pool:
            list(pool.imap_unordered(lambda item: _send_aside(odb, item, tell), todo))
    elif todo:
        broken: list[BaseException] = []
        odb.add(
            [path for _, path, _ in todo],
            localfs,
            [md5 for md5, _, _ in todo],
            check_exists=False,
            batch_size=odb.fs.jobs,
            callback=_Count(tell),
            on_error=lambda md5, error: broken.append(error),
        )
        if broken:
            raise broken[0]
    return [md5 for md5, _, _ in todo]


def _cut_short(odb: Any, objects: list[list[Any]]) -> set[str]:
    """Find objects that a broken upload left in part."""
    found = set()
    with ThreadPoolExecutor(max_workers=odb.fs.jobs) as pool:
        for md5, same in pool.imap_unordered(
            lambda item: (item[0], odb.fs.size(odb.oid_to_path(item[0])) == item[2]), objects
        ):
            if not same:
                found.add(md5)
    return found


def _send_aside(odb: Any, item: list[Any], tell: Tell) -> None:
    md5, path, size = item
    final = odb.oid_to_path(md5)
    part = odb.fs.join(odb.fs.parent(final), f".{secrets.token_hex(8)}.tmp")
    try:
        odb.fs.put_file(path, part, callback=_Count(tell, bytes_of_file=True))
        if odb.fs.size(part) != size:
            raise StoreCorrupt(f"{final} did not arrive whole.", "Try again.")
        odb.fs.mv(part, final)
    except BaseException:
        with contextlib.suppress(Exception):
            odb.fs.remove(part)
        raise


def _try(repo: Any, remote: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Reach a remote, write, read back, remove; tell how far that went."""
    fs = remote.fs
    result: dict[str, Any] = {"reachable": False, "can_read": None, "can_write": None}
    place = fs.join(remote.path, f"labnb-test-{secrets.token_hex(6)}")
    source = os.path.join(request["into"], "try")
    with open(source, "wb") as file:
        file.write(_TRY)
    try:
        with _told(repo, remote.name, request["url"]):
            fs.exists(remote.path)
            result["reachable"] = True
            result["can_read"] = False
            with contextlib.suppress(FileNotFoundError):
                fs.ls(remote.path)
            result["can_read"], result["can_write"] = True, False
            fs.put_file(source, place)
            result["can_write"] = True
            fs.get_file(place, f"{source}-back")
            with open(f"{source}-back", "rb") as file:
                result["can_read"] = file.read() == _TRY
    except LabError as error:
        # Whoever says no is there.
        refused = error.code == "store_refused"
        result.update(reachable=result["reachable"] or refused, message=error.message, hint=error.hint)
        if refused and result["can_read"] is None:
            result["can_read"] = False
    finally:
        with contextlib.suppress(Exception):
            if result["can_write"]:
                fs.remove(place)
    return result
