"""A lock on a file, also where the file system has none: then one in this machine's folder for temporary files.

NFS and most others carry `flock` to the server, so that it holds between machines. SSHFS and other FUSE file systems
hold it on one machine. Lustre without `-o flock`, NFS without a lock daemon and some FUSE file systems refuse it. What
labnb locks so is a matter of one machine, or may happen twice: two publishers that do not see each other publish each
run once.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from pathlib import Path

#: `flock` answers so where the file system or its server has no locks.
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}

# Not TMPDIR: jobs and kernels of one machine must find the same.
_HERE = Path("/tmp")  # noqa: S108 - the folder in it is this user's, which is seen to


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Give a descriptor that holds the lock until it is closed, None where another one holds it; raises OSError."""
    fd = _try(path, shared)
    if fd is not None and fd < 0:
        return _try(_stand_in(path), shared, last=True)
    return fd


def _try(path: Path, shared: bool, last: bool = False) -> int | None:
    """Give -1 where there are no locks."""
    fd = os.open(path, (os.O_RDONLY if shared else os.O_RDWR) | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError as error:
        os.close(fd)
        if error.errno in NO_LOCKS and not last:
            return -1
        raise
    return fd


def _stand_in(path: Path) -> Path:
    """Name the file that is locked in the place of another; raises PermissionError where its folder is not ours."""
    folder = _HERE / f"labnb-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "is not this user's", str(folder))
    return folder / f"{hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]}.lock"
