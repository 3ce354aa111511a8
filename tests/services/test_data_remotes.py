"""Remotes for real: a folder, an S3 server and an SSH server, with DVC's own command on the other side."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labnb.model.dataset import DatasetVersion
from labnb.model.errors import LabError, NotFound, StoreCorrupt, StoreRefused, StoreUnreachable, UsageError
from tests.adapters.dvc.command import Place, content_of, dvc, environment, everything
from tests.adapters.dvc.conftest import Prepared, no_common_settings, place, prepared
from tests.services.s3 import KEY, READER, S3, SECRET, WRITER
from tests.services.sshd import Sshd

__all__ = ["no_common_settings", "place", "prepared"]
FILES = {f"{number % 3}/{number}.bin": os.urandom(number * 100) for number in range(40)}
FILES["large"] = os.urandom(9_000_000)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with S3() as server:
        yield server


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with Sshd() as server:
        yield server


@dataclass
class Remote:
    """A remote in a project: its address, and how an object in it is damaged or cut short."""

    kind: str
    url: str
    folder: Path | None = None

    def objects(self) -> list[Path]:
        assert self.folder is not None
        return sorted((self.folder / "files/md5").glob("*/*"))


def _files(place: Place) -> object:
    for name, content in FILES.items():
        place.write(f"data/{name}", content)
    return place.writer.add(Path("data"))


@pytest.fixture(params=["folder", "s3", "ssh"])
def remote(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    place: Place,
    prepared: Prepared[object],
    monkeypatch: pytest.MonkeyPatch,
) -> Remote:
    """A project with a dataset, and an empty remote that is its default one."""
    prepared(place, "files", _files)
    if request.param == "folder":
        made = Remote("folder", str(tmp_path / "store"), tmp_path / "store")
        place.writer.add_remote("store", made.url, default=True)
    elif request.param == "s3":
        server = request.getfixturevalue("s3")
        made = Remote("s3", f"{server.bucket('labnb')}/t{time.time_ns()}")
        place.writer.add_remote("store", made.url, default=True)
        dvc(place.path, "remote", "modify", "store", "endpointurl", server.url)
        dvc(place.path, "remote", "modify", "--local", "store", "access_key_id", KEY)
        dvc(place.path, "remote", "modify", "--local", "store", "secret_access_key", SECRET)
    else:
        sshd = request.getfixturevalue("sshd")
        sshd.ensure()
        monkeypatch.setenv("HOME", str(sshd.home))
        made = Remote("ssh", f"ssh://lab{tmp_path}/store", tmp_path / "store")
        place.writer.add_remote("store", made.url, default=True)
    place.again()
    return made


def version(place: Place) -> DatasetVersion:
    return place.again().add(Path("data")).version


def forget(place: Place) -> None:
    shutil.rmtree(place.path / ".dvc/cache")
    shutil.rmtree(place.path / "data")


@pytest.mark.timeout(300)
def test_there_and_back_with_dvc_on_the_other_side(place: Place, remote: Remote, tmp_path: Path) -> None:
    test = place.writer.test_remote()
    assert (test.ok, test.problem) == (True, ""), test
    told: list[tuple[int, int | None]] = []
    data = version(place)
    sent = place.writer.push([data], progress=lambda what, done, total, unit="B": told.append((done, total)))
    assert (sent.remote, sent.objects, sent.already) == ("store", 42, 0)
    assert sent.size > 9_000_000
    assert told
    assert told[-1][0] <= (told[-1][1] or 0)
    again = place.writer.push([data])
    assert (again.objects, again.size, again.already) == (0, 0, 42)
    assert "in sync" in dvc(place.path, "status", "-c")
    forget(place)
    dvc(place.path, "pull", "-q")
    assert content_of(place.path / "data") == FILES
    forget(place)
    done = place.again().checkout(data)
    assert done.fetched == 42
    assert content_of(place.path / "data") == FILES
    place.accepts()
    # And what DVC pushed is fetched by labnb.
    place.write("data/new", "by dvc")
    dvc(place.path, "add", "-q", "data")
    dvc(place.path, "push", "-q")
    now = version(place)
    assert now != data
    forget(place)
    pulled = place.again().pull([now])
    assert (pulled.objects, pulled.already) == (43, 0)
    assert not (place.path / "data").exists(), "the work tree is not touched"
    place.writer.checkout(now, tmp_path / "out")
    assert content_of(tmp_path / "out") == {**FILES, "new": b"by dvc"}


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_killed_in_the_middle_and_taken_up_again(place: Place, remote: Remote) -> None:
    data = version(place)
    script = (
        "import sys; from pathlib import Path; from labnb.adapters.dvc.writer import DvcDataWriter\n"
        "from labnb.model.dataset import DatasetVersion\n"
        "writer = DvcDataWriter(Path(sys.argv[1]))\nprint('ready', flush=True)\n"
        "getattr(writer, sys.argv[2])([DatasetVersion('data', sys.argv[3])])\n"
    )
    for what in ("push", "pull"):
        for wait in (0.9, 1.4):
            if what == "pull":
                shutil.rmtree(place.path / ".dvc/cache", ignore_errors=True)
            child = subprocess.Popen(
                [sys.executable, "-c", script, str(place.path), what, data.version],
                cwd=Path(__file__).resolve().parents[2],
                env={**environment(place.path), "HOME": os.environ["HOME"]},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(wait)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            child.stdout.close()
        if what == "push":
            place.again().push([data])
            assert "in sync" in dvc(place.path, "status", "-c")
    place.again().pull([data])
    shutil.rmtree(place.path / "data")
    place.writer.checkout(data)
    assert content_of(place.path / "data") == FILES
    assert not (place.path / ".dvc/cache/labnb.tmp").exists()


@pytest.mark.parametrize("remote", ["folder", "ssh"], indirect=True)
def test_a_remote_with_damaged_and_cut_objects(place: Place, remote: Remote) -> None:
    data = version(place)
    place.writer.push([data])
    large = next(path for path in remote.objects() if path.stat().st_size == 9_000_000)
    large.chmod(0o644)
    large.write_bytes(large.read_bytes()[:1_000_000])
    assert place.writer.push([data]).objects == 1, "what a broken upload cut short is sent again"
    assert large.stat().st_size == 9_000_000
    large.chmod(0o644)
    large.write_bytes(b"x" * 9_000_000)
    forget(place)
    with pytest.raises(StoreCorrupt, match=r"Remote 'store' holds 1 object whose content is not what the name says"):
        place.again().checkout(data)
    assert not (place.path / "data").exists()
    name = large.parent.name + large.name
    assert not (place.path / ".dvc/cache/files/md5" / name[:2] / name[2:]).exists()
    large.unlink()
    with pytest.raises(NotFound, match=rf"1 of its files .*'store'.*does not have 1 object: {name}"):
        place.again().checkout(data)
    assert not (place.path / "data").exists()


@pytest.mark.parametrize("remote", ["s3", "ssh"], indirect=True)
def test_a_remote_that_is_down(
    place: Place, remote: Remote, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # of itself the client tries for half a minute
    data = version(place)
    place.writer.push([data])
    forget(place)
    server = request.getfixturevalue("s3" if remote.kind == "s3" else "sshd")
    before = _outside_cache(place)
    server.stop()
    try:
        with pytest.raises(StoreUnreachable) as found:
            place.again().checkout(data)
        words = str(found.value)
        assert f"data@{data.version[:8]}: the list of its files is not in the cache" in words
        assert "Remote 'store' (" in words
        assert "Nothing was restored" in words
        assert SECRET not in words
        assert KEY not in words
        assert _outside_cache(place) == before
        test = place.writer.test_remote("store")
        assert (test.reachable, test.can_read, test.can_write) == (False, None, None)
        assert test.problem
    finally:
        server.start()
    place.again().checkout(data)
    assert content_of(place.path / "data") == FILES


@pytest.mark.parametrize("remote", ["s3"], indirect=True)
@pytest.mark.parametrize(
    ("key", "secret", "answer"),
    [(KEY, "wrong-secret-words", "refuses"), ("", "", "no login")],
)
def test_s3_keys_that_do_not_fit(
    place: Place, remote: Remote, key: str, secret: str, answer: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (place.path / ".dvc/config.local").unlink()
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if key:
        dvc(place.path, "remote", "modify", "--local", "store", "access_key_id", key)
        dvc(place.path, "remote", "modify", "--local", "store", "secret_access_key", secret)
    with pytest.raises(StoreRefused, match=answer) as found:
        place.again().push([version(place)])
    assert "secret_access_key" in found.value.hint
    for word in (secret, key):
        assert not word or word not in str(found.value)
    test = place.writer.test_remote()
    assert not test.ok
    assert test.reachable or answer == "no login"
    assert test.problem
    assert not secret or secret not in f"{test}"


@pytest.mark.parametrize("remote", ["s3"], indirect=True)
def test_a_reader_may_not_write(place: Place, remote: Remote) -> None:
    dvc(place.path, "remote", "modify", "--local", "store", "access_key_id", READER)
    test = place.again().test_remote()
    assert (test.reachable, test.can_read, test.can_write) == (True, True, False), test
    assert "refuses" in test.problem


@pytest.mark.parametrize("remote", ["s3"], indirect=True)
def test_a_bucket_that_is_not_there(place: Place, remote: Remote) -> None:
    dvc(place.path, "remote", "modify", "store", "url", "s3://nobody-made-this/dvc")
    dvc(place.path, "remote", "modify", "--local", "store", "access_key_id", WRITER)
    with pytest.raises(LabError, match=r"s3://nobody-made-this/dvc"):
        place.again().push([version(place)])
    test = place.writer.test_remote()
    assert not test.ok


def test_remotes_of_a_repository_with_several_projects(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (place.path / name).mkdir()
        dvc(place.path / name, "init", "-q", "--no-scm")
        place.write(f"{name}/t.csv", name)
        monkeypatch.chdir(place.path / name)
        place.again().add_remote(f"of-{name}", str(tmp_path / "store"), default=True)
        assert place.writer.test_remote().ok
    monkeypatch.chdir(place.path)
    assert not (place.path / ".dvc").exists()
    assert sorted(info.name for info in place.again().remotes()) == ["of-a", "of-b"]
    for asked in (place.writer.test_remote, lambda: place.writer.add_remote("third", str(tmp_path / "third"))):
        with pytest.raises(NotFound, match=r"several DVC projects in .*: a, b\. Work in the folder of one"):
            asked()
    # Versions know where they lie: both go where their own project says.
    versions = [place.writer.add(Path(f"{name}/t.csv")).version for name in ("a", "b")]
    assert place.writer.push(versions).remote == "of-a, of-b"


@pytest.mark.parametrize("remote", ["folder"], indirect=True)
def test_an_interruption_ends_it_cleanly(place: Place, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    data = version(place)
    place.writer.push([data])
    forget(place)

    def interrupt(what: str, done: int, total: int | None, unit: str = "B") -> None:
        raise KeyboardInterrupt

    before = _children()
    with pytest.raises(KeyboardInterrupt):
        place.again().checkout(data, progress=interrupt)
    assert _children() == before
    assert not (place.path / "data").exists()
    assert not (place.path / ".dvc/cache/labnb.tmp").exists()
    place.again().checkout(data)
    assert content_of(place.path / "data") == FILES


def _outside_cache(place: Place) -> set[str]:
    return {path for path in everything(place.path) if "/.dvc/cache" not in path and "/.labnb" not in path}


def _children() -> set[int]:
    import psutil

    return {child.pid for child in psutil.Process().children(recursive=True) if child.status() != "zombie"}


def test_names_and_addresses_of_remotes(place: Place, tmp_path: Path) -> None:
    place.write("data/a", "1")
    place.writer.add(Path("data"))
    assert place.writer.remotes() == ()
    with pytest.raises(NotFound, match=r"has no remote.*labnb data remote add"):
        place.writer.push([version(place)])
    first = place.writer.add_remote("Store", str(tmp_path / "s"))
    assert (first.name, first.default, first.level) == ("store", True, "project"), "the first one is the default one"
    place.again().add_remote("team", "s3://bucket/x")
    assert [(item.name, item.default) for item in place.again().remotes()] == [("store", True), ("team", False)]
    dvc(place.path, "remote", "modify", "--local", "store", "url", str(tmp_path / "t"))
    assert place.again().remotes()[0].level == "local"
    listed = dvc(place.path, "remote", "list")
    assert "store" in listed
    assert "s3://bucket/x" in listed
    assert "store" in dvc(place.path, "remote", "default")
    for name, url, words in (
        ("team", "s3://y", "a remote 'team' already"),
        ("../x", "s3://y", "cannot be called"),
        ("x\n[core]", "s3://y", "cannot be called"),
        ("x", "s3://y\n[core]", "needs an address"),
        ("x", "ssh://ann:secret@host/x", "A password"),
        ("x", " ", "needs an address"),
    ):
        with pytest.raises(UsageError, match=words) as found:
            place.again().add_remote(name, url)
        assert "secret@" not in str(found.value)
    with pytest.raises(NotFound, match=r"no remote 'taem'.*Did you mean team"):
        place.writer.test_remote("taem")
