"""Processes that work on a dataset and are killed at a random moment; what must hold afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from labnb.model.dataset import DatasetVersion
from tests.adapters.dvc.command import Place, content_of, dvc, environment

OLD = {f"part-{number % 7}/{number}": f"old {number % 50}".encode() * 200 for number in range(300)}
NEW = {**{name: text for name, text in OLD.items() if not name.endswith("9")}, "part-0/large": b"n" * 6_000_000}
NEW |= {f"part-1/{number}": b"changed" * number for number in range(40)}

_DO = """
import sys
from pathlib import Path
from labnb.adapters.dvc.writer import DvcDataWriter
from labnb.model.dataset import DatasetVersion
what, root, version, remote = sys.argv[1:]
writer = DvcDataWriter(Path(root))
print("ready", flush=True)
if what == "add":
    writer.add(Path("data"))
elif what == "checkout":
    writer.checkout(DatasetVersion("data", version))
elif what == "push":
    writer.push([DatasetVersion("data", version)], remote)
else:
    writer.pull([DatasetVersion("data", version)], remote)
print("done", flush=True)
"""


class Killing:
    """A project with two versions of a dataset, and a remote, to kill processes in."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.place = Place(folder / "project")
        self.remote = folder / "remote"
        self.lay(OLD)
        self.old = self.place.writer.add(Path("data")).version
        self.place.writer.add_remote("store", str(self.remote), default=True)
        self.lay(NEW)
        self.new = self.place.again().add(Path("data")).version
        self.place.writer.push([self.old, self.new])

    def lay(self, files: dict[str, bytes]) -> None:
        remove(self.place.path / "data")
        for name, content in files.items():
            self.place.write(f"data/{name}", content)

    def kill(self, what: str, version: DatasetVersion, longest: float) -> bool:
        """Start something and kill it after a random time; gives whether it was done before."""
        child = subprocess.Popen(
            [sys.executable, "-c", _DO, what, str(self.place.path), version.version, "store"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(self.place.path),
            cwd=Path(__file__).resolve().parents[3],
            start_new_session=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(self.random.uniform(0, longest))
        # The process alone: whatever it started must find out by itself.
        os.kill(child.pid, signal.SIGKILL)
        said = child.stdout.read()
        child.wait()
        child.stdout.close()
        return said == "done\n"

    def empty_cache(self) -> None:
        remove(self.place.path / ".dvc/cache/files")

    def check_work_tree(self) -> str:
        """The dataset is in its old or its new version, whole; gives which."""
        found = content_of(self.place.path / "data")
        if found == OLD:
            return "old"
        assert found == NEW
        return "new"

    def check_objects(self) -> None:
        """Whatever has an object's name and rights has its content."""
        import hashlib

        for store in (self.place.path / ".dvc/cache/files/md5", self.remote / "files/md5"):
            for path in store.glob("*/*"):
                if path.name.endswith(".tmp"):
                    assert store.is_relative_to(self.remote)
                    continue
                name = (path.parent.name + path.name).removesuffix(".dir")
                assert hashlib.md5(path.read_bytes()).hexdigest() == name, path

    def check_healed(self) -> None:
        """Nothing is left of what was killed, and DVC finds no fault."""
        assert not (self.place.path / ".dvc/cache/labnb.tmp").exists()
        assert not (self.place.path / ".dvc/tmp/labnb").exists()
        assert not [path for path in self.place.path.iterdir() if path.name.startswith(".labnb-")]
        self.place.accepts()

    def trial(self, what: str, *, last: bool = False) -> bool:
        """One round; gives whether the kill came in time. Nothing is laid out for another round after the `last`."""
        place = self.place
        if what == "add":
            self.lay(OLD)
            pointer = (place.path / "data.dvc").read_text()
            self.empty_cache()
            done = self.kill("add", self.old, 0.6)
            text = (place.path / "data.dvc").read_text()
            assert text == pointer or self.old.version in text
            assert content_of(place.path / "data") == OLD
            self.check_objects()
            place.again().add(Path("data"))
        elif what == "checkout":
            to = self.old if self.check_work_tree() == "new" else self.new
            place.again().pull([self.old, self.new])
            done = self.kill("checkout", to, 0.5)
            self.check_work_tree()
            place.again().checkout(to)
            assert self.check_work_tree() == ("old" if to == self.old else "new")
        elif what == "push":
            remove(self.remote)
            place.again().add(Path("data"))
            version = self.old if self.check_work_tree() == "old" else self.new
            done = self.kill("push", version, 3.0)
            self.check_objects()
            place.again().push([version])
            assert "in sync" in dvc(place.path, "status", "-c")
        else:
            self.empty_cache()  # both versions are in the remote
            done = self.kill("pull", self.now(), 3.0)
            self.check_objects()
            place.again().pull([self.now()])
        self.check_objects()
        self.check_healed()
        if what in ("push", "pull") and not last:
            self._both_are_there()
        return not done

    def now(self) -> DatasetVersion:
        return self.old if self.check_work_tree() == "old" else self.new

    def _both_are_there(self) -> None:
        """The next round wants both versions in the remote again."""
        here = self.now()
        other, files = (self.new, NEW) if here == self.old else (self.old, OLD)
        mine = OLD if here == self.old else NEW
        self.lay(files)
        self.place.again().add(Path("data"))
        self.lay(mine)
        self.place.again().add(Path("data"))
        self.place.writer.push([here, other])


def remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)
