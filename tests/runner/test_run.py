"""A cell run by the runner: its record, its outputs, its values, its errors."""

from __future__ import annotations

import ast
import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from labnb.model.errors import JobError
from labnb.model.job_table import used_text
from labnb.runner.usage import Usage
from labnb.usecases.runner_program import NAME, runner_program
from labnb.usecases.values import load_error, load_value, returned
from tests.runner.jobs import make_job, python39, read, until, with_variables

CELL = """\
import labnb
print("hello")
for step in range(3):
    labnb.log({"loss": 1 / (step + 1)})
labnb.param("depth", 3)
labnb.tag("team", "biology")
import os, subprocess
os.system("echo from a shell; echo trouble >&2")
print(subprocess.run(["echo", "quiet"], capture_output=True).stdout)
total = sum(range(10))
{"total": total}
"""


def md5(text: str) -> str:
    return "md5:" + hashlib.md5(text.encode()).hexdigest()


def text_of(outputs: list[dict[str, Any]], name: str) -> str:
    return "".join(item["text"] for item in outputs if item.get("name") == name)


@pytest.mark.parametrize("env", [None, {}], ids=["as it is", "env -i"])
def test_a_cell_leaves_its_whole_record(tmp_path: Path, env: dict[str, str] | None) -> None:
    job = make_job(tmp_path, CELL, out=("total",), metrics=("total",), watched=("step",))
    code, said = job.run(env=env)
    assert (code, said) == (0, "")
    assert job.end["state"] == "COMPLETED"
    assert job.end["error"] is None
    assert job.end["used"]["cpu"] > 0
    assert job.end["used"]["memory"] > 1e6
    assert job.end["environment"]["python"].startswith("3.")
    assert [line["v"]["loss"] for line in job.journal if "loss" in line.get("v", {})] == [1.0, 0.5, 1 / 3]
    assert {(line["name"], line["value"]) for line in job.journal if line["k"] in ("param", "tag")} == {
        ("depth", 3), ("team", "biology"), ("step", 2),
    }  # fmt: skip
    assert {"total": 45.0} in [line.get("v") for line in job.journal]
    assert set(job.log.splitlines()) == {"hello", "from a shell", "trouble", "b'quiet\\n'", "{'total': 45}"}
    assert sorted(text_of(job.outputs, "stdout").splitlines()) == ["b'quiet\\n'", "from a shell", "hello"]
    assert text_of(job.outputs, "stderr") == "trouble\n"
    assert [item["data"] for item in job.outputs if item["output_type"] == "execute_result"] == [
        {"text/plain": "{'total': 45}"}
    ]
    assert read(job.paths.run.output)["cells"][0]["source"].startswith("%%labrun")
    assert load_value(job.paths, "total") == 45
    assert read(job.paths.state)["state"] == "RUNNING"
    assert not job.paths.run.log_tail.exists()


def test_every_file_of_a_job_is_documented(tmp_path: Path) -> None:
    record = (Path(__file__).parents[2] / "docs" / "record.md").read_text()
    cell = "import labnb\nlabnb.checkpoint(lambda folder: None)\nlabnb.checkpoint.save()\nx = 1\n1 / 0"
    job = make_job(tmp_path, cell, out=("x",))
    job.run()
    names = {path.name + "/" * path.is_dir() for path in (*job.paths.home.iterdir(), *job.paths.folder.iterdir())}
    assert {"end.json", "error.pkl", "values/", "checkpoint/", "journal.jsonl"} <= names
    assert {name for name in names if f"`{name}`" not in record} == set()


@pytest.mark.parametrize("name", ["-rf", 'two words/it\'s "quoted" $(touch x) `y`;/a\nline/ünïcode 测试'])
def test_any_name_of_a_folder_will_do(tmp_path: Path, name: str) -> None:
    job = make_job(tmp_path / name, "import os, sys\nwhere = os.getcwd()\nwhere", out=("where",))
    assert job.run() == (0, "")
    assert load_value(job.paths, "where") == str(tmp_path / name / "work")


def test_the_program_runs_on_python_39(tmp_path: Path) -> None:
    job = make_job(tmp_path, CELL, out=("total",))
    assert job.run(python=python39()) == (0, "")
    assert load_value(job.paths, "total") == 45
    assert job.end["environment"]["python"].startswith("3.9.")


def test_the_program_holds_to_python_39_and_the_standard_library() -> None:
    known = {"labnb_job", "cloudpickle", "matplotlib", "IPython", "traitlets"} | sys.stdlib_module_names
    carried = {path: text for path, text in runner_program().files.items() if path.startswith(NAME)}
    assert f"{NAME}/runner/main.py" in carried
    for path, text in carried.items():
        for node in ast.walk(ast.parse(text, path, feature_version=(3, 9))):
            roots = []
            if isinstance(node, ast.Import):
                roots = [alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                roots = [(node.module or "").partition(".")[0]]
            # What only type checkers read may be labnb's.
            assert set(roots) <= known or "TYPE_CHECKING" in text, (path, roots)
    checked = subprocess.run(
        ["ruff", "check", "--isolated", "--target-version", "py39", "--select", "E9,F", "labnb/runner"],
        capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_an_old_python_is_told_so(tmp_path: Path) -> None:
    main = runner_program().files["__main__.py"]
    (tmp_path / "main.py").write_text(main.replace("< (3, 9)", "< (99, 0)"))
    told = subprocess.run([sys.executable, str(tmp_path / "main.py"), "x"], capture_output=True, text=True)
    assert told.returncode == 1
    assert "labnb needs Python 3.9 or newer on the target; this is 3." in told.stderr


def test_an_exception_comes_back_as_it_was(tmp_path: Path) -> None:
    cell = 'def deep(n):\n    return {}["key"] if n == 0 else deep(n - 1)\n\nx = 1\ndeep(2)\n'
    job = make_job(tmp_path, cell, label="train.ipynb [7]", out=("x",))
    code, _ = job.run()
    assert code == 1
    end = job.end
    assert (end["state"], end["cause"]) == ("FAILED", "KeyError: 'key'")
    assert end["error"]["line"] == 5
    trace = end["error"]["traceback"]
    assert 'File "train.ipynb [7]", line 5, in <module>\n    deep(2)' in trace
    assert 'return {}["key"] if n == 0' in trace
    assert NAME not in trace
    assert "runner" not in trace
    assert trace in job.log
    assert [item["ename"] for item in job.outputs if item["output_type"] == "error"] == ["KeyError"]
    error = load_error(job.paths)
    assert type(error) is KeyError
    assert error.args == ("key",)
    assert any("train.ipynb [7]" in note for note in error.__notes__)
    assert load_value(job.paths, "x") == 1
    job.paths.error.write_bytes(job.paths.error.read_bytes().replace(b"key", b"kez"))
    assert "is damaged" in str(load_error(job.paths))


def test_an_exception_that_does_not_pickle_comes_as_text(tmp_path: Path) -> None:
    cell = "class Odd(Exception):\n    def __init__(self, a, b): super().__init__(a)\nraise Odd('one', 2)"
    job = make_job(tmp_path, cell)
    assert job.run()[0] == 1
    error = load_error(job.paths)
    assert isinstance(error, JobError)
    assert error.message == "Odd: one"


@pytest.mark.parametrize(
    ("cell", "state", "cause", "code"),
    [
        ("import sys; sys.exit(0)", "COMPLETED", "", 0),
        ("import sys; sys.exit(3)", "FAILED", "the cell left with exit code 3", 1),
        ("raise MemoryError('unable to allocate 9 GiB')", "OUT_OF_MEMORY", "8.0 GB asked for", 1),
        (
            "import resource\nresource.setrlimit(resource.RLIMIT_AS, (3 << 30, -1))\nx = bytearray(8_000_000_000)",
            "OUT_OF_MEMORY",
            "out of memory: 8.0 GB asked for",
            1,
        ),
        ("x = = 1", "FAILED", "SyntaxError", 1),
        ("name = input('who? ')", "FAILED", "EOFError: nobody can answer a job that asks with input()", 1),
        ("import getpass; getpass.getpass()", "FAILED", "EOFError: nobody can answer", 1),
        ("import sys; sys.stdin.read()", "FAILED", "EOFError: nobody", 1),
        ("class Bad(Exception):\n    def __str__(self): return 1/0\nraise Bad", "FAILED", "Bad", 1),
        ("raise KeyboardInterrupt", "FAILED", "KeyboardInterrupt", 1),
    ],
)
def test_how_a_cell_ended_is_told(tmp_path: Path, cell: str, state: str, cause: str, code: int) -> None:
    job = make_job(tmp_path, cell, memory=8_000_000_000)
    assert job.run()[0] == code
    assert job.end["state"] == state
    assert cause in job.end["cause"]


def test_what_cannot_be_prepared_is_told_before_anything_runs(tmp_path: Path) -> None:
    cell = "open('ran', 'w')"
    for number, (asked, told) in enumerate(
        [
            (
                {"names": {"np": {"import": "no_such_library"}}},
                "np needs the module no_such_library, and the target has no",
            ),
            ({"work_folder": str(tmp_path / "gone")}, "The working folder of the cell is not there"),
            ({"state": "0" * 64}, "The state of the cell is not there"),
            ({"by_value": ("f",), "python": "3.8.1"}, "cannot cross versions"),
        ]
    ):
        job = make_job(tmp_path, cell, uid=str(number) * 32, **asked)
        assert job.run()[0] == 1
        assert told in job.end["cause"]
        assert job.end["error"]["type"] == "NotRestored"
        assert told in job.log
    assert not (tmp_path / "work" / "ran").exists()


def test_values_that_cannot_travel_are_named(tmp_path: Path) -> None:
    cell = "import threading\nlock = threading.Lock()\nbig = bytes(3_000_000)\nlist_ = [0.5] * 500_000\ngood = {1, 2}"
    job = make_job(tmp_path, cell, out=("lock", "big", "list_", "goood", "good"), value_limit=1_000_000)
    assert job.run()[0] == 0
    told = returned(job.paths)
    assert "_thread.lock cannot be pickled" in told["lock"].error
    assert "larger than may travel: 3.0 MB or more, the limit is 1.0 MB" in told["big"].error
    assert "larger than may travel" in told["list_"].error
    assert told["goood"].hint == "Did you mean good?"
    assert load_value(job.paths, "good") == {1, 2}
    with pytest.raises(JobError, match=r"lock did not come back from the job\. A _thread\.lock cannot be pickled"):
        load_value(job.paths, "lock")
    with pytest.raises(JobError, match="returned no 'other'"):
        load_value(job.paths, "other")
    assert not list(job.paths.value_objects.glob(".*"))


def test_values_are_read_from_the_users_own_folder_only(tmp_path: Path) -> None:
    job = make_job(tmp_path, "x = 41 + 1", out=("x",))
    assert job.run()[0] == 0
    file = job.paths.value(returned(job.paths)["x"].object)
    for path in (file, job.paths.value_objects, job.paths.home, job.paths.folder):
        mode = path.stat().st_mode
        path.chmod(mode | 0o020)
        with pytest.raises(JobError, match="can be written by others"):
            load_value(job.paths, "x")
        path.chmod(mode)
    assert load_value(job.paths, "x") == 42
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(JobError, match="is damaged"):
        load_value(job.paths, "x")
    index = read(job.paths.values)
    job.paths.values.write_text(json.dumps({"x": {**index["x"], "object": "../../job/error.pkl"}}))
    with pytest.raises(JobError, match="index of the job's values is damaged"):
        load_value(job.paths, "x")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_values_of_another_user_are_not_read(tmp_path: Path) -> None:
    job = make_job(tmp_path, "1/0\n", out=())
    job.run()
    os.chown(job.paths.error, 65534, 65534)
    error = load_error(job.paths)
    assert isinstance(error, JobError)
    assert "belongs to another user" in error.message


def test_the_log_is_live_and_a_progress_bar_stands_in_its_tail(tmp_path: Path) -> None:
    go = tmp_path / "go"
    cell = f"""\
import os, sys, time
print("first")
for i in range(50):
    sys.stderr.write(f"\\r{{i:3}} %|####")
while not os.path.exists({str(go)!r}): time.sleep(0.01)
sys.stderr.write("\\r100 %\\n")
print("no line end", end="")
"""
    job = make_job(tmp_path, cell)
    tail = job.paths.run.log_tail
    process = job.process_to(lambda: tail.exists() and tail.read_text() == " 49 %|####")
    assert job.log == "first\n"
    go.touch()
    assert process.wait(20) == 0
    process.communicate()
    assert job.log == "first\n100 %\nno line end\n"
    assert text_of(job.outputs, "stderr") == "100 %\n"


def test_secrets_of_the_target_do_not_enter(tmp_path: Path) -> None:
    cell = """\
import labnb, os
key = os.environ["MY_API_KEY"]
print("the key is", key)
labnb.param("config", f"key={key}")
os.system("echo $MY_API_KEY")
raise ValueError(key)
"""
    job = make_job(tmp_path, cell)
    assert job.run(env=with_variables(MY_API_KEY="hush-hush-hush-1"))[0] == 1
    assert "the key is [redacted]" in job.log
    for path in job.paths.folder.rglob("*"):
        if path.is_file() and path != job.paths.error:
            assert b"hush-hush-hush-1" not in path.read_bytes(), path


def test_displays_figures_and_await_are_a_notebooks(tmp_path: Path) -> None:
    cell = """\
import asyncio
class Shown:
    def __repr__(self): return "plain"
    def _repr_html_(self): return "<b>html</b>"
display(Shown())
await asyncio.sleep(0)
import matplotlib.pyplot as plt
plt.plot([1, 2])
Shown()
"""
    job = make_job(tmp_path, cell)
    assert job.run() == (0, ""), job.log
    html = {"text/html": "<b>html</b>", "text/plain": "plain"}
    kinds = [(item["output_type"], item["data"]) for item in job.outputs]
    assert kinds[:2] == [("display_data", html), ("execute_result", html)]
    assert kinds[2][1]["image/png"].startswith("iVBOR")


def test_a_cell_that_calls_ipython_runs_in_its_shell(tmp_path: Path) -> None:
    cell = """\
get_ipython().system('echo shelled')
get_ipython().run_line_magic('time', 'x = 3')
from IPython.display import display, HTML
display(HTML("<i>i</i>"))
y = x + 1
1 / 0
"""
    job = make_job(tmp_path, cell, needs_ipython=True, label="demo.ipynb [3]", out=("y",))
    assert job.run()[0] == 1
    assert "shelled" in job.log
    assert "Wall time" in job.log
    assert [item["data"]["text/html"] for item in job.outputs if item["output_type"] == "display_data"] == ["<i>i</i>"]
    assert load_value(job.paths, "y") == 4
    assert job.end["error"]["line"] == 6
    assert isinstance(load_error(job.paths), ZeroDivisionError)
    assert [item["ename"] for item in job.outputs if item["output_type"] == "error"] == ["ZeroDivisionError"]


def test_without_ipython_the_cell_is_refused_before_it_runs(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "IPython.py").write_text("raise ImportError('no IPython here')")
    job = make_job(tmp_path, "open('ran', 'w'); get_ipython()", needs_ipython=True, path=(str(tmp_path / "work"),))
    assert job.run()[0] == 1
    assert "which the target does not have" in job.end["cause"]
    assert not (tmp_path / "work" / "ran").exists()


def test_files_are_told_with_their_digests(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "in.csv").write_text("a,b\n")
    outside = tmp_path / "far.txt"
    outside.write_text("far")
    metadata = tmp_path / "tool.egg-info" / "entry_points.txt"  # of a package that is installed in place
    metadata.parent.mkdir()
    metadata.write_text("[x]")
    cell = f"""\
import os, multiprocessing
open({str(metadata)!r}).read()
text = open("in.csv").read() + open({str(outside)!r}).read()
def child():
    open("child.txt", "w").write("child")
process = multiprocessing.get_context("fork").Process(target=child)
process.start(); process.join()
with open("new.tmp", "w") as file: file.write(text)
os.rename("new.tmp", "new.txt")
"""
    job = make_job(tmp_path, cell)
    assert job.run() == (0, ""), job.log
    files = read(job.paths.files)
    assert {(use["path"], use["digest"], use["size"]) for use in files["inputs"]} == {
        (str(outside), md5("far"), 3),
        ("in.csv", md5("a,b\n"), 4),
    }
    assert {(use["path"], use["digest"]) for use in files["outputs"]} == {
        ("child.txt", md5("child")),
        ("new.txt", md5("a,b\nfar")),
    }


def test_labnb_works_in_the_job_whatever_is_installed(tmp_path: Path) -> None:
    (tmp_path / "other" / "labnb").mkdir(parents=True)
    (tmp_path / "other" / "labnb" / "__init__.py").write_text(
        "version = 'of the target'\ndef log(*a): raise SystemExit"
    )
    cell = "import labnb\nlabnb.log({'a': 1})\nversion = getattr(labnb, 'version', 'none')"
    for number, path in enumerate([(), (str(tmp_path / "other"),)]):
        job = make_job(tmp_path, cell, uid=str(number) * 32, path=path, out=("version",))
        assert job.run() == (0, ""), job.log
        assert [line["v"] for line in job.journal] == [{"a": 1}]
    assert load_value(job.paths, "version") == "of the target"


def test_the_end_is_told_to_an_address(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/hook"
        job = make_job(tmp_path, "1/0", name="probe", target="far", notify=address)
        assert job.run(env=with_variables(no_proxy="*"))[0] == 1
        server.shutdown()
    assert told[0]["text"] == "probe on far: FAILED (ZeroDivisionError: division by zero)"
    assert told[0]["job"] == "1" * 32


def test_an_address_that_does_not_answer_changes_nothing(tmp_path: Path) -> None:
    job = make_job(tmp_path, "x = 1", notify="http://127.0.0.1:9/hook")
    assert job.run(env=with_variables(no_proxy="*"))[0] == 0
    assert job.end["state"] == "COMPLETED"
    assert "could not be told" in job.paths.output.read_text()


def test_mail_goes_through_sendmail(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "sendmail"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/mail\n")
    program.chmod(0o755)
    if any(Path(folder, "sendmail").exists() for folder in ("/usr/sbin", "/usr/lib", "/usr/bin", "/sbin")):
        pytest.skip("a real sendmail is here; no mail is sent from tests")
    job = make_job(tmp_path, "x = 1", name="probe", notify="me@example.org")
    assert job.run(env=with_variables(PATH=f"{tmp_path}/bin:{os.environ['PATH']}"))[0] == 0
    mail = (tmp_path / "mail").read_text()
    assert "To: me@example.org" in mail
    assert "Subject: probe: COMPLETED" in mail


def test_threads_of_the_cell_do_not_hold_the_job(tmp_path: Path) -> None:
    cell = "import threading, subprocess\nsubprocess.Popen(['sleep', '30'])\nx = 1"
    job = make_job(tmp_path, cell, out=("x",))
    began = time.monotonic()
    assert job.start().wait(20) == 0
    assert time.monotonic() - began < 10
    assert load_value(job.paths, "x") == 1


@pytest.mark.parametrize(
    ("words", "told"), [([], "usage:"), (["/nowhere"], "is no job folder"), (["a", "b"], "usage:")]
)
def test_wrong_words_are_answered(tmp_path: Path, words: list[str], told: str) -> None:
    job = make_job(tmp_path, "1")
    answer = subprocess.run([sys.executable, str(job.runner), *words], capture_output=True, text=True)
    assert answer.returncode == 2
    assert told in answer.stderr


def test_the_first_line_comes_soon(tmp_path: Path) -> None:
    """At most 0.15 s of the runner's own on a quiet machine: processor time, which a busy machine hardly changes."""

    def processor(run: Any) -> float:
        before = os.times()
        run()
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    bare = min(processor(lambda: subprocess.run([sys.executable, "-c", "pass"])) for _ in range(3))
    runs = []
    for number in range(3):
        job = make_job(tmp_path, "import os; os._exit(0)", uid=str(number) * 32)
        runs.append(processor(job.run))
    assert min(runs) - bare < 0.25


FAKE_NVIDIA_SMI = """\
#!/bin/sh
# A FAKE of nvidia-smi: the words are those of the real one's --format=csv.
case "$*" in *--id=GPU-part*) exit 6;; *--id=1*) ;; *) echo '0, 37, 1024';; esac
echo '1, 0, [N/A]'
echo '2, 91, 512'
"""


@pytest.fixture
def fake_nvidia_smi(tmp_path: Path) -> str:
    """A PATH that begins with a fake of nvidia-smi: there is none here."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(FAKE_NVIDIA_SMI)
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_gpus_are_asked_of_nvidias_program(fake_nvidia_smi: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", fake_nvidia_smi)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    usage = Usage()
    assert usage.gpus() == {
        "system/gpu_0_utilization_percentage": 37.0,
        "system/gpu_0_memory_usage_megabytes": 1073.741824,
        "system/gpu_1_utilization_percentage": 0.0,
        "system/gpu_2_utilization_percentage": 91.0,
        "system/gpu_2_memory_usage_megabytes": 536.870912,
    }
    assert usage.used == {"gpu": 91.0, "gpu_memory": 1073741824.0}
    # Those of others on the same machine are not the job's.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    usage = Usage()
    assert "system/gpu_0_utilization_percentage" not in usage.gpus()
    assert usage.used == {"gpu": 91.0, "gpu_memory": 536870912.0}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-part")  # what the program does not know is asked for as a whole
    usage = Usage()
    assert usage.gpus() == {}
    assert len(usage.gpus()) == 5
    for none in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert Usage().gpus() == {}


def test_system_load_and_the_sign_of_life(tmp_path: Path, fake_nvidia_smi: str) -> None:
    cell = "import os, time\ndata = bytearray(60_000_000)\nwhile not os.path.exists('go'): time.sleep(0.01)"
    job = make_job(tmp_path, cell)
    env = with_variables(PATH=fake_nvidia_smi)
    env.pop("CUDA_VISIBLE_DEVICES", None)
    process = job.start(env=env)
    until(job.paths.state.exists)
    first = read(job.paths.state)
    assert first["pid"] == process.pid
    until(lambda: "gpu" in read(job.paths.state)["used"], process)
    state = read(job.paths.state)
    assert state["beat"] > first["beat"]
    assert state["used"]["memory"] > 60e6
    loads = [line["v"] for line in job.journal if line["k"] == "metric"]
    assert loads[0]["system/process_memory_usage_megabytes"] > 60
    assert 0 <= loads[0]["system/cpu_utilization_percentage"] <= 100
    assert loads[0]["system/gpu_0_utilization_percentage"] == 37
    (tmp_path / "work" / "go").touch()
    process.communicate(timeout=20)
    assert process.returncode == 0
    used = job.end["used"]
    assert used["memory"] > 60e6
    assert used_text(used).endswith(" CPU · GPU 91 %, 1.07 GB")
