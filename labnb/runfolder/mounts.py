"""Which file system a folder lies on, and whether a database with locks may lie there."""

from __future__ import annotations

import os
from pathlib import Path

# Another table of mounts in the format of /proc/self/mountinfo: for systems that hide it, and for trials.
MOUNTS_VARIABLE = "LABNB_MOUNTINFO"

# Where locks of one machine may not be seen by another, or not at all.
SHARED = {
    "nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "9p", "ceph", "lustre", "gpfs", "beegfs",
    "glusterfs", "panfs", "pvfs2", "orangefs", "vboxsf", "vmhgfs", "prl_fs", "virtiofs", "drvfs", "ncpfs", "coda",
}  # fmt: skip
# FUSE below which there is a disk of this machine; any other FUSE may be anything.
LOCAL_FUSE = {"fuseblk", "fuse.fuse-overlayfs", "fuse.ext2", "fuse.ext4", "fuse.ntfs-3g", "fuse.lxcfs"}


def is_shared(file_system: str) -> bool:
    """Whether the locks of SQLite may not hold on a file system of this type (as mountinfo names it).

    >>> is_shared("nfs4"), is_shared("fuse.sshfs"), is_shared("ext4"), is_shared("")
    (True, True, False, False)
    """
    if file_system.startswith("fuse"):
        return file_system not in LOCAL_FUSE
    return file_system in SHARED


def mount_of(folder: Path) -> tuple[str, str]:
    """Find the mount that a folder lies on, there or not: (mount point, type); ("", "") where the system does not tell.

    It is the longest that covers it, the last of equals. Takes some 50 µs.
    """
    path = os.path.realpath(folder)
    best = ("", "")
    try:
        table = Path(os.environ.get(MOUNTS_VARIABLE) or "/proc/self/mountinfo")
        lines = table.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return best
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, after = left.split(" "), right.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best[0]):
            best = (point, after[0])
    return best


def misplaced(store: Path) -> str:
    """Say why the embedded store may not lie in this folder, "" where it may."""
    point, kind = mount_of(store)
    if not is_shared(kind):
        return ""
    return (
        f"The embedded MLflow store is not used on {kind} (mounted at {point}): the locks of SQLite may not hold in "
        f"{store}. The runs themselves are recorded."
    )


#: What to do about it.
ELSEWHERE = (
    'Write [store] path = "/a/disk/of/this/machine" into labnb.toml, then labnb sync; or name the lab\'s MLflow '
    "server, [tracking] uri."
)
