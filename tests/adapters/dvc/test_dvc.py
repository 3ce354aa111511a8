"""The data store against datasets made by the real `dvc` command."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from labnb.adapters.dvc import DvcDataStore
from labnb.model.dataset import FileUse
from labnb.model.errors import DataStoreError


def dvc(folder: Path, *args: str) -> str:
    """Run DVC itself."""
    program = Path(sys.executable).with_name("dvc")
    if not program.exists():
        pytest.skip("dvc is not installed")
    environ = {
        **os.environ,
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(folder.parent / "no-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder.parent / "no-system"),
        "DVC_SITE_CACHE_DIR": str(folder.parent / "site-cache"),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
    }
    done = subprocess.run([str(program), *args], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@dataclass
class Project:
    """A DVC project and file uses in it."""

    path: Path

    def write(self, name: str, content: str | bytes = "1,2\n") -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def use(self, name: str, seen: str = "open") -> FileUse:
        path = self.path / name
        content = path.read_bytes()
        return FileUse(name, f"md5:{md5(content)}", len(content), seen=seen)

    def resolve(self, *names: str) -> list[tuple[str, str | None, str | None]]:
        found = DvcDataStore(self.path).resolve([self.use(name) for name in names])
        return [(use.path, use.dataset, use.version) for use in found]


@pytest.fixture(autouse=True)
def no_common_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "no-global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "no-system"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project, made once by DVC: a file, a folder, an odd pointer, a pipeline in a folder of its own."""
    folder = tmp_path_factory.mktemp("dvc") / "project"
    folder.mkdir()
    project = Project(folder)
    dvc(folder, "init", "-q", "--no-scm")
    project.write("data/iris.csv", "a,b\n1,2\n")
    project.write("data/windows.csv", "a,b\r\n1,2\r\n")
    for number in range(5):
        project.write(f"images/train/{number}.png", bytes([number]) * 10)
    project.write("images/übung.png", b"u")
    project.write("raw/deep/er/x.bin", b"xx")
    dvc(folder, "add", "-q", "data/iris.csv", "data/windows.csv", "images")
    dvc(folder, "add", "-q", "raw/deep/er/x.bin")
    # A pointer moved by hand, with the folder that its path is relative to, as DVC reads it.
    text = (folder / "raw/deep/er/x.bin.dvc").read_text()
    (folder / "other-name.dvc").write_text(f"wdir: raw/deep\n{text.replace('path: x.bin', 'path: er/x.bin')}")
    (folder / "raw/deep/er/x.bin.dvc").unlink()
    assert json.loads(dvc(folder, "status", "--json")) == {}
    project.write("pipe/work/in.txt", "in")
    project.write(
        "pipe/dvc.yaml",
        "stages:\n"
        "  copy:\n    wdir: work\n    cmd: cp in.txt out.txt && mkdir -p many && cp in.txt many/a && cp in.txt many/b\n"
        "    deps: [in.txt]\n    outs: [out.txt, many]\n"
        "  each:\n    foreach: [p, q]\n    do:\n      wdir: work\n      cmd: cp in.txt ${item}.txt\n"
        "      deps: [in.txt]\n      outs: ['${item}.txt']\n",
    )
    dvc(folder, "repro", "-q", "pipe/dvc.yaml")
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Project:
    """A copy that a test may change."""
    shutil.copytree(made, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def recorded(project: Project, pointer: str) -> str:
    import yaml

    return yaml.safe_load((project.path / pointer).read_text())["outs"][0]["md5"]


def test_a_file_of_its_own(project: Project) -> None:
    version = recorded(project, "data/iris.csv.dvc")
    assert project.resolve("data/iris.csv") == [("data/iris.csv", "data/iris.csv", version)]
    assert project.use("data/iris.csv").digest == f"md5:{version}"


def test_a_changed_file_has_no_version(project: Project) -> None:
    project.write("data/iris.csv", "changed")
    assert project.resolve("data/iris.csv") == [("data/iris.csv", "data/iris.csv", None)]


def test_files_that_nothing_tracks(project: Project) -> None:
    project.write("data/untracked.csv")
    assert project.resolve("data/untracked.csv", "images.dvc") == [
        ("data/untracked.csv", None, None),
        ("images.dvc", None, None),
    ]
    outside = FileUse("/etc/hostname", "md5:0", 1)
    assert DvcDataStore(project.path).resolve([outside]) == (outside,)


def test_one_file_of_a_folder_dataset(project: Project) -> None:
    version = recorded(project, "images.dvc")
    assert version.endswith(".dir")
    assert project.resolve("images/train/3.png") == [("images/train/3.png", "images", version)]
    assert project.resolve("images/übung.png") == [("images/übung.png", "images", version)]


def test_many_files_of_a_folder_are_one_entry(project: Project) -> None:
    version = recorded(project, "images.dvc")
    names = [f"images/train/{number}.png" for number in range(4)]
    uses = [project.use("data/iris.csv"), *(project.use(name, "watch") for name in names)]
    found = DvcDataStore(project.path).resolve(uses)
    assert len(found) == 2
    assert found[1] == FileUse("images/", f"md5:{version}", 40, 4, "images", version, "watch")


def test_a_folder_with_a_changed_file_is_told_file_by_file(project: Project) -> None:
    version = recorded(project, "images.dvc")
    project.write("images/train/1.png", "changed")
    project.write("images/new.png", "new")
    assert project.resolve("images/train/0.png", "images/train/1.png", "images/new.png") == [
        ("images/train/0.png", "images", version),
        ("images/train/1.png", "images", None),
        ("images/new.png", "images", None),
    ]


def test_a_folder_use_by_its_digest(project: Project) -> None:
    version = recorded(project, "images.dvc")
    listing = [{"md5": md5(bytes([number]) * 10), "relpath": f"{number}.png"} for number in range(5)]
    part = md5(json.dumps(listing, sort_keys=True).encode()) + ".dir"
    store = DvcDataStore(project.path)
    (whole,) = store.resolve([FileUse("images/", f"md5:{version}", 51, 6)])
    assert (whole.dataset, whole.version) == ("images", version)
    (inner,) = store.resolve([FileUse("images/train/", f"md5:{part}", 50, 5)])
    assert (inner.dataset, inner.version) == ("images", version)
    (other,) = store.resolve([FileUse("images/train/", "md5:0.dir", 50, 5)])
    assert (other.dataset, other.version) == ("images", None)


def test_without_the_listing_a_whole_folder_is_still_recognised(project: Project) -> None:
    version = recorded(project, "images.dvc")
    shutil.rmtree(project.path / ".dvc/cache")
    names = [f"images/train/{number}.png" for number in range(5)]
    assert project.resolve(*names, "images/übung.png") == [("images/", "images", version)]
    assert project.resolve(*names[:2]) == [(name, "images", None) for name in names[:2]]


def test_a_pointer_of_another_name(project: Project) -> None:
    version = recorded(project, "other-name.dvc")
    assert project.resolve("raw/deep/er/x.bin") == [("raw/deep/er/x.bin", "raw/deep/er/x.bin", version)]


def test_outputs_and_dependencies_of_a_pipeline(project: Project) -> None:
    value = md5(b"in")
    names = ["pipe/work/out.txt", "pipe/work/in.txt", "pipe/work/p.txt"]
    assert project.resolve(*names) == [(name, name, value) for name in names]
    ((path, dataset, version),) = project.resolve("pipe/work/many/a", "pipe/work/many/b")
    assert (path, dataset) == ("pipe/work/many/", "pipe/work/many")
    assert version
    assert version.endswith(".dir")


def test_what_dvc_adds_later_is_seen(project: Project) -> None:
    store = DvcDataStore(project.path)
    project.write("data/late.csv", "late")
    use = project.use("data/late.csv")
    assert store.resolve([use])[0].dataset is None
    dvc(project.path, "add", "-q", "data/late.csv")
    assert store.resolve([use])[0].version == md5(b"late")
    project.write("data/late.csv", "later")
    dvc(project.path, "add", "-q", "data/late.csv")
    assert store.resolve([use])[0].version is None
    assert store.resolve([project.use("data/late.csv")])[0].version == md5(b"later")


@pytest.mark.parametrize("where", ["project", "local", "relative", "quoted"])
def test_shared_caches(project: Project, tmp_path: Path, where: str) -> None:
    version = recorded(project, "images.dvc")
    shared = tmp_path / "lab" / "cache"
    shared.parent.mkdir()
    shutil.move(project.path / ".dvc/cache", shared)
    if where == "quoted":
        (project.path / ".dvc/config").write_text(f'[core]\n    no_scm = True\n[cache]\n    dir = "{shared}"\n')
    else:
        value = os.path.relpath(shared, project.path) if where == "relative" else str(shared)
        dvc(project.path, "cache", "dir", *(["--local"] if where == "local" else []), value)
    assert project.resolve("images/train/3.png")[0][2] == version


def test_a_monorepo_with_projects_within_projects(project: Project) -> None:
    inner = Project(project.path / "team/vision")
    inner.path.mkdir(parents=True)
    dvc(inner.path, "init", "-q", "--no-scm")
    inner.write("data/x.csv", "inner")
    dvc(inner.path, "add", "-q", "data/x.csv")
    name = "team/vision/data/x.csv"
    assert project.resolve(name) == [(name, name, md5(b"inner"))]
    assert inner.resolve("data/x.csv") == [("data/x.csv", "data/x.csv", md5(b"inner"))]
    # A labnb project inside a larger DVC project: names lead up to the data.
    notebooks = Project(project.path / "notebooks")
    notebooks.path.mkdir()
    path = str(project.path / "data/iris.csv")
    (found,) = DvcDataStore(notebooks.path).resolve([FileUse(path, project.use("data/iris.csv").digest, 8)])
    assert (found.dataset, found.version) == ("../data/iris.csv", recorded(project, "data/iris.csv.dvc"))
    elsewhere = Project(project.path.parent / "elsewhere")
    elsewhere.path.mkdir()
    (found,) = DvcDataStore(elsewhere.path).resolve([FileUse(path, project.use("data/iris.csv").digest, 8)])
    assert found.dataset == path


def test_what_older_versions_of_dvc_wrote(project: Project) -> None:
    cache, listing = project.path / ".dvc/cache", recorded(project, "images.dvc")
    shutil.move(cache / "files/md5" / listing[:2], cache / listing[:2])
    (project.path / "images.dvc").write_text(f"outs:\n- md5: {listing}\n  size: 51\n  nfiles: 6\n  path: images\n")
    assert project.resolve("images/train/3.png")[0][2] == listing
    unix = md5(b"a,b\n1,2\n")
    (project.path / "data/windows.csv.dvc").write_text(f"outs:\n- md5: {unix}\n  size: 12\n  path: windows.csv\n")
    assert project.resolve("data/windows.csv") == [("data/windows.csv", "data/windows.csv", unix)]
    lock = project.path / "pipe/work/dvc.lock"
    lock.write_text(f"copy:\n  cmd: cp\n  outs:\n  - path: old.txt\n    md5: {md5(b'old')}\n")
    project.write("pipe/work/old.txt", "old")
    assert project.resolve("pipe/work/old.txt")[0][2] == md5(b"old")


@pytest.mark.parametrize(
    "text",
    [
        "outs:\n- md5: [\n",
        "<<<<<<< HEAD\nouts:\n",
        "just words",
        "outs: 3\n",
        "outs: !!python/object:os.x {}\n",
        "\tx: 1",
    ],
)
def test_a_broken_pointer_is_named(project: Project, text: str) -> None:
    (project.path / "data/iris.csv.dvc").write_text(text)
    with pytest.raises(DataStoreError, match=r"data/iris\.csv\.dvc cannot be read"):
        project.resolve("data/iris.csv")
    assert project.resolve("raw/deep/er/x.bin")[0][2], "other folders are read as before"


def test_a_broken_listing_or_config_is_named(project: Project) -> None:
    version = recorded(project, "images.dvc")
    listing = project.path / ".dvc/cache/files/md5" / version[:2] / version[2:]
    listing.chmod(0o644)
    listing.write_text("{")
    with pytest.raises(DataStoreError, match="listing"):
        project.resolve("images/train/0.png")
    (project.path / ".dvc/config").write_text("[cache\n")
    with pytest.raises(DataStoreError, match=r"\.dvc/config cannot be read"):
        project.resolve("images/train/0.png")


@pytest.mark.parametrize(
    "text",
    [
        "outs:\n- md5: {md5}\n  hash: md5\n  path: ../../../iris.csv\n",
        "wdir: ../../..\nouts:\n- md5: {md5}\n  path: x\n",
        "outs:\n- md5: {md5}\n  path: /etc/passwd\n",
        "outs:\n- md5: {md5}\n  path: s3://bucket/iris.csv\n",
        "outs:\n- md5: {md5}\n",
        "outs:\n- etag: x\n  path: iris.csv\n",
        "outs: []\n",
        "outs:\n- just words\n",
        "",
    ],
)
def test_pointers_that_lead_away_are_passed_over(project: Project, text: str) -> None:
    (project.path / "data/iris.csv.dvc").write_text(text.format(md5=md5(b"a,b\n1,2\n")))
    outside = FileUse("/etc/passwd", f"md5:{md5(b'')}", 1)
    assert project.resolve("data/iris.csv") == [("data/iris.csv", None, None)]
    assert DvcDataStore(project.path).resolve([outside]) == (outside,)


def test_a_use_without_digest_has_a_dataset_and_no_version(project: Project) -> None:
    (found,) = DvcDataStore(project.path).resolve([FileUse("data/iris.csv", None, 8)])
    assert (found.dataset, found.version) == ("data/iris.csv", None)


def test_reading_needs_no_lock_and_writes_nothing(project: Project) -> None:
    (project.path / ".dvc/tmp").mkdir(exist_ok=True)
    (project.path / ".dvc/tmp/lock").write_text("held")
    before = {str(path): path.lstat().st_mtime_ns for path in project.path.rglob("*")}
    assert project.resolve("images/train/0.png")[0][2]
    assert before == {str(path): path.lstat().st_mtime_ns for path in project.path.rglob("*")}


def test_dvc_is_never_imported(project: Project) -> None:
    script = (
        "import sys; from pathlib import Path; from labnb.adapters.dvc import DvcDataStore\n"
        "from labnb.model.dataset import FileUse\n"
        "assert 'yaml' not in sys.modules\n"
        f"found = DvcDataStore(Path({str(project.path)!r})).resolve([FileUse('data/iris.csv', 'md5:x', 1)])\n"
        "assert found[0].dataset == 'data/iris.csv'\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] in ('dvc', 'dvc_data', 'dvc_objects')]\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).resolve().parents[3])


def test_ten_thousand_files_of_a_folder_are_quick(tmp_path: Path) -> None:
    project = Project(tmp_path / "big")
    listing = [{"md5": md5(str(number).encode()), "relpath": f"{number:05}.txt"} for number in range(10_000)]
    text = json.dumps(listing, sort_keys=True).encode()
    value = md5(text)
    project.write(f".dvc/cache/files/md5/{value[:2]}/{value[2:]}.dir", text)
    project.write("data.dvc", f"outs:\n- md5: {value}.dir\n  hash: md5\n  path: data\n")
    uses = [FileUse(f"data/{item['relpath']}", f"md5:{item['md5']}", 5) for item in listing]
    store = DvcDataStore(project.path)
    started = time.process_time()
    (found,) = store.resolve(uses)
    took = time.process_time() - started
    assert (found.path, found.files, found.version) == ("data/", 10_000, f"{value}.dir")
    assert took < 1.0
