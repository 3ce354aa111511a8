"""Names, files and disks that cannot be versioned: said before anything is written."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from labnb.adapters.dvc import ingest
from labnb.model.errors import DataStoreError, LabError, NotFound
from tests.adapters.dvc.command import Place, everything
from tests.adapters.dvc.conftest import Prepared
from tests.needs import need


@pytest.fixture
def ready(place: Place, prepared: Prepared[object]) -> Place:
    prepared(place, "first", _first)
    return place


def _first(place: Place) -> object:
    place.write("first.csv", "1")
    return place.writer.add(Path("first.csv"))


def refused(place: Place, words: str, name: str = "data", kind: type[LabError] = DataStoreError) -> LabError:
    """Adding fails in these words, and nothing of the project changes."""
    before = _seen(place)
    with pytest.raises(kind, match=words) as found:
        place.writer.add(Path(name))
    assert _seen(place) == before
    return found.value


def _seen(place: Place) -> dict[str, tuple[int, int, int]]:
    """Everything but labnb's own files, and the time of the cache's folder, in which something was begun."""
    found = everything(place.path)
    return {path: state for path, state in found.items() if "/.labnb" not in path and not path.endswith("/.dvc/cache")}


def test_a_name_that_is_no_utf8(ready: Place) -> None:
    ready.write("data/fine", "1")
    (ready.path / os.fsdecode(b"data/caf\xe9.csv")).write_text("x")
    error = refused(ready, r"caf\\xe9\.csv is not UTF-8")
    error.message.encode("utf-8")
    (ready.path / os.fsdecode(b"caf\xe9")).mkdir()
    refused(ready, r"caf\\xe9 is not UTF-8", os.fsdecode(b"caf\xe9"))


def test_names_that_windows_cannot_hold_are_noted(ready: Place) -> None:
    for name in ("a:b.csv", "con.txt", "fine.csv", "trailing ", "wh?t"):
        ready.write(f"data/{name}", name)
    added = ready.writer.add(Path("data"))
    assert added.version.files == 5
    assert added.notes == ("Windows cannot hold 4 names: a:b.csv, con.txt, trailing , wh?t.",)
    ready.accepts()


def test_links(ready: Place) -> None:
    data = ready.write("data/a", "1").parent
    (data / "good").symlink_to("a")
    (data / "loop").symlink_to("loop")
    refused(ready, r"data/loop is a symbolic link that leads to itself")
    (data / "loop").unlink()
    (data / "dead").symlink_to("nothing")
    refused(ready, r"data/dead is a symbolic link to nothing, which is not there")
    (data / "dead").unlink()
    (data / "up").symlink_to("..")  # a folder that leads into itself again
    added = ready.writer.add(Path("data"))
    assert added.notes == ("Links to folders are left out, as DVC does: up.",)
    assert added.version.files == 2
    (ready.path / "there").symlink_to("data")
    refused(ready, r"there is a link to a folder", "there")
    (ready.path / "itself").symlink_to("itself")
    refused(ready, r"itself is a symbolic link that leads to itself", "itself")


def test_what_is_no_file(ready: Place) -> None:
    ready.write("data/a", "1")
    os.mkfifo(ready.path / "data/pipe")
    refused(ready, r"data/pipe is no file but a socket, pipe or device")
    refused(ready, r"pipe is neither a file nor a folder", "data/pipe")
    (ready.path / "data/pipe").unlink()
    ready.write("data/.dvcignore", "x")
    refused(ready, r"data/\.dvcignore lies inside the data")


def test_no_permission(ready: Place) -> None:
    ready.write("data/a", "1")
    ready.write("data/closed", "2").chmod(0)
    if os.geteuid() == 0:
        script = (
            "import os, sys; from pathlib import Path; from labnb.adapters.dvc.writer import DvcDataWriter\n"
            "from labnb.model.errors import LabError\n"
            "writer = DvcDataWriter(Path(sys.argv[1])); writer.keep(Path('first.csv'))\n"
            "os.setegid(65534); os.seteuid(65534)\n"
            "try: writer.keep(Path('data'))\n"
            "except LabError as error: print(error)\n"
        )
        for folder in (ready.path, *ready.path.parents):
            if folder.stat().st_uid == os.getuid() and folder != Path("/"):
                os.chmod(folder, folder.stat().st_mode | 0o055)
        said = subprocess.run(
            [sys.executable, "-c", script, str(ready.path)],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).resolve().parents[3],
        ).stdout
        assert "Permission denied" in said, said
        assert "Nothing was changed" in said
    else:
        refused(ready, "Permission denied.*Nothing was changed")


def test_a_file_that_grows_all_the_time(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    log = ready.write("data/run.log", "x" * 1000)
    take = ingest.Objects.take

    def growing(self: ingest.Objects, source: str, *rest: object) -> str:
        with open(log, "a") as file:
            file.write("more")
        return take(self, source, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest.Objects, "take", growing)
    with pytest.raises(DataStoreError, match=r"data changes while it is read: .*run\.log.*Wait until nothing writes"):
        ready.writer.add(Path("data"))
    assert not (ready.path / "data.dvc").exists()
    assert not (ready.path / ".dvc/cache/labnb.tmp").exists()


def test_a_file_that_changes_once_is_read_again(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    late = ready.write("data/late", "before")
    ready.write("data/goes", "away")
    take, once = ingest.Objects.take, threading.Event()

    def changing(self: ingest.Objects, source: str, *rest: object) -> str:
        md5 = take(self, source, *rest)  # type: ignore[arg-type]
        if not once.is_set():
            once.set()
            late.write_text("afterwards")
            (ready.path / "data/goes").unlink(missing_ok=True)
            ready.write("data/new", "came")
        return md5

    monkeypatch.setattr(ingest.Objects, "take", changing)
    added = ready.writer.add(Path("data"))
    assert added.version.files == 2
    ready.accepts()


def test_everything_vanishes_while_it_is_read(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    ready.write("data/a", "1")
    take = ingest.Objects.take

    def vanishing(self: ingest.Objects, source: str, *rest: object) -> str:
        shutil.rmtree(ready.path / "data", ignore_errors=True)
        return take(self, source, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest.Objects, "take", vanishing)
    with pytest.raises(NotFound, match="no file or folder"):
        ready.writer.add(Path("data"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "labnb-test", str(folder)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("only root may mount a small disk")
    import atexit

    atexit.register(subprocess.run, ["umount", "-l", str(folder)], check=False, capture_output=True)
    return folder


def test_a_full_disk(place: Place, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("git")
    place.write("first.csv", "1")
    first = place.writer.add(Path("first.csv")).version
    config = place.path / ".dvc/config"
    config.write_text(f"{config.read_text()}[cache]\n    dir = {small_disk}\n")
    place.again()
    place.write("data/large", os.urandom(3_000_000))
    refused(place, r"needs 3 MB in DVC's cache .*small, where .* are free. Nothing was changed")
    monkeypatch.setattr(ingest, "_check_room", lambda *args: None)  # as when others fill it meanwhile
    refused(place, r"there is no room")
    assert list(small_disk.rglob("*")) == [], "what was begun is gone"
    # The cache has room, the place that a version goes to has not.
    config.write_text("[core]\n    no_scm = True\n")
    large = place.again().add(Path("data")).version
    with pytest.raises(DataStoreError, match="there is no room"):
        place.writer.checkout(large, small_disk / "out")
    assert list(small_disk.rglob("*")) == []
    place.writer.checkout(first, small_disk / "fits")


def test_a_file_size_limit_while_writing(ready: Place) -> None:
    ready.write("data/large", os.urandom(300_000))
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from labnb.adapters.dvc.writer import DvcDataWriter\nfrom labnb.model.errors import LabError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "try: DvcDataWriter(Path(sys.argv[1])).add(Path('data'))\n"
        "except LabError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(ready.path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert "there is no room" in done.stdout
    assert not (ready.path / "data.dvc").exists()
    assert not (ready.path / ".dvc/cache/labnb.tmp").exists()


def test_broken_settings_and_pointers_are_named(ready: Place) -> None:
    config = ready.path / ".dvc/config"
    text = config.read_text()
    config.write_text(f"{text}[cache]\n    type = telepathy\n")
    refused(ready, r"cache\.type .*cannot be 'telepathy'.*reflink", "first.csv")
    config.write_text("[core\n")
    refused(ready, r"\.dvc/config cannot be read", "first.csv")
    config.write_text(text)
    ready.write("first.csv.dvc", "<<<<<<< HEAD\nouts:\n")
    refused(ready, r"first\.csv\.dvc cannot be read", "first.csv")
