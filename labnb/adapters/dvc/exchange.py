"""Puts a new file or folder in the place of another one in a single step, and finishes what a killed process began."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
from dataclasses import asdict, dataclass, replace

from labnb.adapters.dvc.aside import left_behind, remove
from labnb.adapters.dvc.pointing import write_whole

NOTE = "note.json"
_AT_FDCWD, _NOREPLACE, _EXCHANGE = -100, 1, 2
_NOT_HERE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}


@dataclass(frozen=True)
class Plan:
    """What is to come about, written down before it begins.

    `new` is put together aside, and takes the place of `target`; what was there (`replaces`) lies at `new` then.
    `device` and `inode` are those of `new`, 0 while it is not whole. `moved` are entries of the old folder that go
    over into the new one. `undo` is where the old one is kept, "" where it may go. `pointer` then says `text`.
    """

    target: str
    new: str
    replaces: bool
    device: int = 0
    inode: int = 0
    moved: tuple[str, ...] = ()
    undo: str = ""
    pointer: str = ""
    text: str = ""


def write_plan(folder: str, plan: Plan) -> None:
    """Write a plan into its folder; raises OSError."""
    write_whole(os.path.join(folder, NOTE), json.dumps(asdict(plan)))


def carry_out(folder: str, plan: Plan) -> None:
    """Do what a plan says, its `new` being whole; raises OSError with the target as it was."""
    status = os.lstat(plan.new)
    plan = replace(plan, device=status.st_dev, inode=status.st_ino)
    write_plan(folder, plan)
    if plan.replaces:
        _swap(plan.new, plan.target)
    else:
        _rename(plan.new, plan.target, _NOREPLACE)
    _finish(plan)


def heal(work: str) -> int:
    """Finish or undo what killed processes left in a folder of plans; gives how many there were."""
    count = 0
    for folder in left_behind(work):
        plan = _read(folder)
        if plan is not None:
            if _is_in_place(plan):
                _finish(plan)
            remove(plan.new)
        remove(folder)
        count += 1
    with contextlib.suppress(OSError):
        os.rmdir(work)
    return count


def _is_in_place(plan: Plan) -> bool:
    if not plan.inode:
        return False
    if plan.replaces and not os.path.lexists(plan.target) and os.path.lexists(plan.new):
        # Where the system knows no exchange, the old one had just been renamed away.
        os.rename(plan.new, plan.target)
        _bring_back(plan)
    try:
        status = os.lstat(plan.target)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (plan.device, plan.inode)


def _finish(plan: Plan) -> None:
    """Do what comes after the exchange; each part may have been done already."""
    old = plan.new
    if not os.path.lexists(old):
        _bring_back(plan)
    if plan.replaces and os.path.lexists(old):
        for name in plan.moved:
            source, target = os.path.join(old, name), os.path.join(plan.target, name)
            if os.path.lexists(source) and not os.path.lexists(target):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                os.rename(source, target)
        if plan.undo and not os.path.lexists(plan.undo):
            _put_by(old, plan.undo)
    if plan.pointer:
        write_whole(plan.pointer, plan.text)
    remove(old)


def _put_by(old: str, undo: str) -> None:
    """Keep what was replaced; where that is another disk, it is there whole or not at all."""
    os.makedirs(os.path.dirname(undo), mode=0o700, exist_ok=True)
    try:
        os.rename(old, undo)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = f"{undo}.part"
        remove(part)
        if os.path.isdir(old) and not os.path.islink(old):
            shutil.copytree(old, part, symlinks=True)
        else:
            shutil.copy2(old, part, follow_symlinks=False)
        os.rename(part, undo)


def _swap(new: str, target: str) -> None:
    try:
        _rename(new, target, _EXCHANGE)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        away = f"{new}.old"
        os.rename(target, away)
        os.rename(new, target)
        os.rename(away, new)


def _bring_back(plan: Plan) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.rename(f"{plan.new}.old", plan.new)


def _rename(source: str, target: str, flags: int) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        failed = errno.ENOSYS
    else:
        failed = 0
        if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), ctypes.c_uint(flags)) != 0:
            failed = ctypes.get_errno()
    if failed and flags == _NOREPLACE and failed in _NOT_HERE:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        os.rename(source, target)
    elif failed:
        raise OSError(failed, os.strerror(failed), target)


def _read(folder: str) -> Plan | None:
    try:
        with open(os.path.join(folder, NOTE), encoding="utf-8") as file:
            data = json.load(file)
        return Plan(**{**data, "moved": tuple(data["moved"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
