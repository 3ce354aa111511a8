"""Nothing is invented, nothing drowns, and digests are those that DVC gives."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from queue import Empty

import pytest
import yaml
from jupyter_client.manager import KernelManager

from labnb.capture.files.collapse import folder_digest
from tests.capture.files_process import see

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's news of folders")

_BUSY = """
import os, sys, time
end = time.time() + 60
print("ready", flush=True)
while time.time() < end and os.getppid() == int(sys.argv[2]):
    open(sys.argv[1] + "/foreign.csv").read()
    with open(sys.argv[1] + "/.~book.ipynb", "w") as f: f.write(str(time.time()))
    os.replace(sys.argv[1] + "/.~book.ipynb", sys.argv[1] + "/book.ipynb")
    open(sys.argv[1] + "/foreign.out", "a").write("x")
    time.sleep(0.002)
"""


@linux
@pytest.mark.parametrize("system", ["best", "unprivileged"])
def test_another_process_in_the_project_is_not_this_cell(tmp_path: Path, system: str) -> None:
    if system == "unprivileged" and os.geteuid() != 0:
        pytest.skip("the other case runs unprivileged already")
    (tmp_path / "foreign.csv").write_text("1")
    (tmp_path / "mine.csv").write_text("x\n1\n")
    arguments = [sys.executable, "-c", _BUSY, str(tmp_path), str(os.getpid())]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        cell = "from pyarrow import csv; csv.read_csv('mine.csv'); time.sleep(0.5)"
        seen = see(tmp_path, cell, "import pyarrow.csv, h5py", system=system)
        busy.kill()
    assert seen.system == "fanotify"
    assert (set(seen.inputs), set(seen.outputs)) == ({"mine.csv"}, set())


@linux
def test_root_tells_children_from_strangers(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only a privileged process is told other processes' ids")
    (tmp_path / "foreign.csv").write_text("1")
    (tmp_path / "mine.csv").write_text("x\n1\n")
    arguments = [sys.executable, "-c", _BUSY, str(tmp_path), str(os.getpid())]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        seen = see(tmp_path, "import subprocess; subprocess.run('cat mine.csv; sleep 0.4', shell=True)")
        busy.kill()
    assert (set(seen.inputs), set(seen.outputs)) == ({"mine.csv"}, set())


@linux
@pytest.mark.parametrize("system", ["unprivileged", "inotify"])
def test_a_notebook_saved_while_children_run_is_not_theirs(tmp_path: Path, system: str) -> None:
    if system == "unprivileged" and os.geteuid() != 0:
        pytest.skip("covered by the other cases")
    (tmp_path / "foreign.csv").write_text("1")
    arguments = [sys.executable, "-c", _BUSY.replace("foreign", "book"), str(tmp_path), str(os.getpid())]
    (tmp_path / "book.csv").write_text("1")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        seen = see(tmp_path, "os.system('sleep 0.3')", system=system)
        busy.kill()
    assert not any("ipynb" in path for path in {**seen.inputs, **seen.outputs})


def test_many_files_are_one_folder_with_the_digest_of_dvc(tmp_path: Path) -> None:
    images = tmp_path / "data" / "images"
    for label in ("cat", "dog"):
        (images / label).mkdir(parents=True)
        for number in range(1000):
            (images / label / f"{number} ü.txt").write_text(f"{label}{number}")
    (tmp_path / "data" / "labels.csv").write_text("x")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=tmp_path, check=True)
    env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "data/images"], cwd=tmp_path, check=True, env=env)
    tracked = yaml.safe_load((tmp_path / "data" / "images.dvc").read_text())["outs"][0]
    cell = "open('data/labels.csv').read()\nfor p in Path('data/images').rglob('*.txt'): p.read_text()"
    seen = see(tmp_path, cell)
    assert set(seen.inputs) == {"data/images/", "data/labels.csv"}
    use = seen.inputs["data/images/"]
    assert (use["digest"], use["files"], use["size"]) == (f"md5:{tracked['md5']}", 2000, tracked["size"])

    partly = see(tmp_path, "for p in Path('data/images').rglob('1*.txt'): p.read_text()")
    use = partly.inputs["data/images/"]
    names = sorted(path for path in images.rglob("1*.txt"))
    pairs = [(str(p.relative_to(images)), hashlib.md5(p.read_bytes()).hexdigest()) for p in names]
    assert use["digest"] == folder_digest(pairs, complete=False)
    assert not use["digest"].endswith(".dir")


@linux
def test_links_into_the_store_of_dvc_are_seen_natively(tmp_path: Path) -> None:
    before = """
        import pyarrow.csv
        os.makedirs('.dvc/cache/files/md5/ab'); os.mkdir('data')
        Path('.dvc/cache/files/md5/ab/cdef').write_text('x\\n1')
        Path('.dvc/cache/files/md5/ab/0000').write_text('x\\n1')
        os.symlink('../.dvc/cache/files/md5/ab/cdef', 'data/b.csv')
        """
    seen = see(tmp_path, "import pyarrow.csv; pyarrow.csv.read_csv('data/b.csv')", before)
    assert set(seen.inputs) == {"data/b.csv"}
    assert seen.inputs["data/b.csv"]["digest"] == "md5:" + hashlib.md5(b"x\n1").hexdigest()


@linux
@pytest.mark.parametrize("system", ["best", "inotify"])
def test_a_linked_folder_keeps_its_name_in_the_project(tmp_path: Path, system: str) -> None:
    root, scratch = tmp_path / "project", tmp_path / "scratch"
    root.mkdir()
    (scratch / "deep").mkdir(parents=True)
    (scratch / "a.csv").write_text("x\n1")
    (scratch / "deep" / "b.csv").write_text("x\n1")
    (root / "data").symlink_to(scratch)
    cell = "import pyarrow.csv; open('data/a.csv').read(); pyarrow.csv.read_csv('data/deep/b.csv')"
    seen = see(root, cell, "import pyarrow.csv", system=system)
    assert set(seen.inputs) == {"data/a.csv", "data/deep/b.csv"}


@linux
@pytest.mark.parametrize("how", ["hint", "listing", "glob", "command", "value"])
def test_folders_outside_the_project_that_a_cell_points_to(tmp_path: Path, how: str) -> None:
    root, scratch = tmp_path / "project", tmp_path / "scratch"
    root.mkdir()
    scratch.mkdir()
    for name in ("a.csv", "decoy.csv"):
        (scratch / name).write_text("x\n1")
    path = str(scratch / "a.csv")
    read = f"import pyarrow.csv; pyarrow.csv.read_csv({path!r})"
    cell, hints = {
        "hint": (read, repr([path])),
        "value": (read, repr([scratch.as_posix()])),
        "listing": (f"os.listdir({str(scratch)!r}); {read}", "()"),
        "glob": (f"import glob; [p for p in glob.glob({str(scratch)!r} + '/a*')]; {read}", "()"),
        "command": (f"os.system('cat {path} > copy.csv')", "()"),
    }[how]
    seen = see(root, cell, "import pyarrow.csv", hints=hints)
    assert set(seen.inputs) == {path}
    assert set(seen.outputs) == ({"copy.csv"} if how == "command" else set())


@linux
def test_a_map_made_by_an_earlier_cell_is_told_where_the_cell_uses_it(tmp_path: Path) -> None:
    before = "import numpy as np; np.save('n.npy', np.arange(4)); m = np.load('n.npy', mmap_mode='r')"
    assert set(see(tmp_path, "m.sum()", before, hints="[m.filename]").inputs) == {"n.npy"}
    assert set(see(tmp_path, "x = 1", before).inputs) == set()


def test_an_input_that_a_child_overwrites_has_no_false_digest(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    seen = see(tmp_path, "open('a.txt').read(); os.system('echo new > a.txt')")
    assert seen.inputs["a.txt"]["digest"] is None
    assert seen.outputs["a.txt"]["digest"] == "md5:" + hashlib.md5(b"new\n").hexdigest()
    assert [note[0] for note in seen.notes] == ["file-changed"]


def test_names_that_are_no_text_become_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.txt")).write_text("1")
    seen = see(tmp_path, "open(b'bad\\xff.txt').read(); open('new\\nline.txt', 'w').write('1')")
    assert set(seen.inputs) == {"bad\\xff.txt"}
    assert set(seen.outputs) == {"new\nline.txt"}


def test_hundreds_of_outputs_in_new_folders(tmp_path: Path) -> None:
    cell = """
        for a in range(3):
            os.makedirs(f'out/{a}')
            for b in range(20): open(f'out/{a}/{b}.txt', 'w').write('x')
        os.system('mkdir -p more/deep; for i in 1 2 3; do echo $i > more/deep/$i.txt; done')
        """
    seen = see(tmp_path, cell)
    assert set(seen.outputs) == {"out/", "more/deep/1.txt", "more/deep/2.txt", "more/deep/3.txt"}
    assert seen.outputs["out/"]["files"] == 60
    assert seen.outputs["out/"]["digest"].endswith(".dir")


@linux
@pytest.mark.parametrize("system", ["best", "inotify"])
def test_a_child_that_begins_while_events_are_read_is_this_cells(tmp_path: Path, system: str) -> None:
    before = """
        import threading
        from labnb.capture.files.fanotify import Fanotify
        from labnb.capture.files.inotify import Inotify
        armed, reading, ended = threading.Event(), threading.Event(), threading.Event()
        def late(read):
            def wait_and_read(self):
                if armed.is_set() and threading.current_thread().name == "labnb-files":
                    reading.set()
                    ended.wait(30)
                return read(self)
            return wait_and_read
        Fanotify.read, Inotify.read = late(Fanotify.read), late(Inotify.read)
        """
    cell = """
        armed.set()
        open("stir.txt", "w").close()
        assert reading.wait(30)
        os.system("mkdir -p more/deep; echo 1 > more/deep/1.txt")
        ended.set()
        """
    seen = see(tmp_path, cell, before, system=system)
    assert set(seen.outputs) == {"stir.txt", "more/deep/1.txt"}


def test_a_broken_cache_and_a_folder_without_rights_change_nothing(tmp_path: Path) -> None:
    (tmp_path / ".labnb").mkdir()
    (tmp_path / ".labnb" / "digests.db").write_bytes(b"no database" * 999)
    (tmp_path / "a.txt").write_text("1")
    seen = see(tmp_path, "open('a.txt').read()")
    assert seen.inputs["a.txt"]["digest"] == "md5:" + hashlib.md5(b"1").hexdigest()


def test_in_a_kernel(tmp_path: Path) -> None:
    """A real kernel, whose own files (history, connection, sources for tracebacks) are none of the cell's."""
    (tmp_path / "a.txt").write_text("alpha")
    (tmp_path / "script.py").write_text("open('a.txt').read(); B = 2")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    try:
        code = str(Path(__file__).resolve().parents[2])
        _run(
            client,
            f"""
import sys; sys.path.insert(0, {code!r})
from pathlib import Path
from labnb.capture.files import FileWatch, StatCache
watch = FileWatch(Path('.'), stat_cache=StatCache(Path('.labnb/d.db')))
def begin(info): watch.open(None)
def end(result):
    report = watch.close()
    told.append((sorted(u.path for u in report.inputs), sorted(u.path for u in report.outputs), report.notes))
told = []
get_ipython().events.register('pre_run_cell', begin); get_ipython().events.register('post_run_cell', end)
""",
        )
        for cell in (
            "1 + 1",
            "!cat a.txt",
            "%run script.py",
            "1/0",
            "open('o.txt','w').write('1')",
            "import json, csv",
        ):
            _run(client, cell)
        told = _run(client, "print(told[1:])")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    a = ["a.txt"]
    assert told.strip() == str(
        [([], [], ()), (a, [], ()), (a, [], ()), ([], [], ()), ([], ["o.txt"], ()), ([], [], ())]
    )


def _run(client: object, cell: str) -> str:
    request = client.execute(cell)  # type: ignore[attr-defined]
    text, deadline = "", time.time() + 60
    while time.time() < deadline:
        try:
            message = client.get_iopub_msg(timeout=5)  # type: ignore[attr-defined]
        except Empty:
            continue
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "stream":
            text += message["content"]["text"]
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            break
    return text
