"""Places an object of the cache in the work tree, in the ways that DVC's settings allow, and only if it is intact."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable

from labnb.adapters.dvc.objects import CLONE, Objects, copy_checked, damaged
from labnb.adapters.dvc.parallel import Advance
from labnb.model.errors import NotFound

Way = Callable[[str, str], None]
_NOT_HERE = {
    errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.ENOSYS, errno.EINVAL, errno.EAGAIN, errno.EMLINK,
}  # fmt: skip


def _clone(source: str, target: str) -> None:
    with open(source, "rb", buffering=0) as file, open(target, "xb", buffering=0) as copy:
        try:
            fcntl.ioctl(copy.fileno(), CLONE, file.fileno())
        except OSError:
            os.unlink(target)
            raise


_WAYS: dict[str, Way] = {"reflink": _clone, "hardlink": os.link, "symlink": os.symlink}


def ways(links: tuple[str, ...]) -> tuple[Way, ...]:
    """Give the ways of linking that are named before "copy", which is always possible."""
    before = links[: links.index("copy")] if "copy" in links else links
    return tuple(_WAYS[name] for name in before)


def place_object(objects: Objects, md5: str, target: str, how: tuple[Way, ...], mode: int, advance: Advance) -> None:
    """Make a file with an object's content; raises NotFound, StoreCorrupt where the object is damaged, OSError."""
    source = objects.find(md5)
    if source is None:
        raise NotFound(f"The object {md5} has gone from the cache meanwhile.", "Try again.")
    size = os.stat(source).st_size
    for way in how:
        if size == 0 and way is os.link:
            continue  # all empty files are one object, and a file has a limited number of links
        if not objects.intact(md5):
            raise damaged(source)
        try:
            way(source, target)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            continue
        if way is _clone:
            os.chmod(target, mode)
        advance(size)
        return
    copy_checked(source, target, md5, advance)
    os.chmod(target, mode)
