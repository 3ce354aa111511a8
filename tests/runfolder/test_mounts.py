"""Which file systems the embedded store may lie on."""

from __future__ import annotations

from pathlib import Path

import pytest

from labnb.runfolder.mounts import MOUNTS_VARIABLE, is_shared, misplaced, mount_of

TABLE = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /home rw,relatime shared:3 - autofs systemd-1 rw,fd=50
31 30 0:41 / /home/ann rw,relatime shared:4 - nfs4 lab.example:/home/ann rw,vers=4.2
32 22 0:42 / /mnt/our\\040data rw - cifs //nas/data rw
33 22 0:43 / /mnt/c rw - 9p C: rw
34 22 0:44 / /homes rw - fuse.sshfs ann@login: rw
35 31 254:1 / /home/ann/scratch rw - xfs /dev/nvme0n1 rw
36 22 0:45 / /over rw - nfs nas:/x rw
37 22 0:46 / /over rw - tmpfs tmpfs rw
broken line
"""


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    monkeypatch.setenv(MOUNTS_VARIABLE, str(path))
    return path


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/home/ann/study/.labnb", ("/home/ann", "nfs4")),
        ("/home/annabel", ("/home", "autofs")),
        ("/home/ann/scratch/labnb", ("/home/ann/scratch", "xfs")),
        ("/mnt/our data/x", ("/mnt/our data", "cifs")),
        ("/mnt/c/Users", ("/mnt/c", "9p")),
        ("/homes/x", ("/homes", "fuse.sshfs")),
        ("/over/x", ("/over", "tmpfs")),
        ("/srv", ("/", "ext4")),
    ],
)
def test_the_mount_of_a_folder(folder: str, expected: tuple[str, str]) -> None:
    assert mount_of(Path(folder)) == expected


def test_where_the_store_may_lie(table: Path) -> None:
    assert misplaced(Path("/srv/x")) == misplaced(Path("/home/ann/scratch/x")) == ""
    said = misplaced(Path("/home/ann/x/.labnb/mlflow"))
    assert "not used on nfs4 (mounted at /home/ann)" in said
    assert "/home/ann/x/.labnb/mlflow" in said
    assert not any(map(is_shared, ("ext4", "xfs", "btrfs", "overlay", "tmpfs", "zfs", "apfs", "fuseblk", "autofs", "")))
    assert not is_shared("fuse.fuse-overlayfs")  # the disk of a container without root
    assert all(
        map(is_shared, ("nfs", "nfs4", "cifs", "9p", "lustre", "fuse", "fuse.sshfs", "fuse.gcsfuse", "virtiofs"))
    )
    table.unlink()
    assert mount_of(Path("/home/ann")) == ("", "")  # nobody tells: it is taken for a disk
    assert misplaced(Path("/home/ann")) == ""
