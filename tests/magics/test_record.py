"""What `%%labrun` records, seen through a real kernel."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import mlflow
import nbformat
import pytest

from labnb.runfolder.folder import all_uids
from tests.kernel import Kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("project")
    with Kernel(folder, JPY_SESSION_NAME=str(folder / "study.ipynb")) as kernel:
        kernel.load()
        yield kernel


def test_empty_folder_without_git_or_configuration(tmp_path: Path) -> None:
    with Kernel(tmp_path) as kernel:
        kernel.load()
        reply, run = kernel.recorded("answer = 42\nprint(answer)", "first --metric answer")
        assert reply.stdout == "42\n"
        assert run.name == "first"
        assert run.metrics == {"answer": 42.0}
        assert run.notebook is None
        assert run.notes == ()
        assert run.code["snapshot"]
        assert sorted(path.name for path in tmp_path.iterdir()) == [".labnb"]


def test_params_metrics_tags(kernel: Kernel) -> None:
    kernel.run("width = 8\nunused = 1\nconfig = {'lr': 0.5, 'opt': {'name': 'adam'}}")
    reply, run = kernel.recorded(
        "import labnb\ndepth = 3\nlosses = []\ntotal = 0\n"
        "for step in range(4):\n    total += width * step\n    labnb.log({'loss': 1 / (step + 1)})\n"
        "labnb.log({'acc': 0.5}, step=10)\nlabnb.param('extra', 'yes')\nlabnb.tag('stage', 'test')\n"
        "score = total / depth",
        "--param beta=0.9 --param config --metric score --tag team=bio",
    )
    assert reply.status == "ok"
    assert run.params == {
        "depth": 3,
        "width": 8,
        "beta": 0.9,
        "config.lr": 0.5,
        "config.opt.name": "adam",
        "extra": "yes",
    }
    assert run.metrics == {"loss": 0.25, "acc": 0.5, "score": 16.0}
    assert run.tags == {"team": "bio", "stage": "test"}
    points = [(p.name, p.value, p.step) for p in kernel.lab.browse.history(run.uid)]
    assert points[:4] == [("loss", 1.0, 0), ("loss", 0.5, 1), ("loss", 1 / 3, 2), ("loss", 0.25, 3)]
    assert ("acc", 0.5, 10) in points
    assert kernel.run("beta").result == "0.9"


def test_where_the_cell_stands(kernel: Kernel) -> None:
    reply = kernel.run("%%labrun\n1", cell_id="abc-123")
    run = kernel.lab.browse.run(reply.run["uid"])
    assert run.cell_id == "abc-123"
    assert run.notebook == str(kernel.folder / "study.ipynb")
    assert run.name == f"study-{reply.count}"


def test_files_are_seen(kernel: Kernel) -> None:
    (kernel.folder / "in.csv").write_text("a,b\n1,2\n")
    (kernel.folder / "decoy.csv").write_text("a\n")
    _, run = kernel.recorded("rows = open('in.csv').read()\nopen('out.txt', 'w').write(rows.upper())")
    assert [(use.path, use.size) for use in run.inputs] == [("in.csv", 8)]
    assert run.inputs[0].digest == "md5:" + hashlib.md5(b"a,b\n1,2\n").hexdigest()
    assert [use.path for use in run.outputs] == ["out.txt"]


def test_failed_cell_is_recorded(kernel: Kernel) -> None:
    reply, run = kernel.recorded("import labnb\nlabnb.log({'before': 1})\nraise ValueError('too bad')")
    assert reply.status == "error"
    assert run.status == "FAILED"
    assert run.metrics == {"before": 1.0}
    assert run.error is not None
    assert (run.error["type"], run.error["message"]) == ("ValueError", "too bad")
    assert "raise ValueError" in run.error["traceback"]
    assert "\x1b" not in run.error["traceback"]


def test_output_is_a_notebook(kernel: Kernel) -> None:
    _, run = kernel.recorded(
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nprint('one')\nfor i in range(50):\n"
        "    print(f'\\r{i}', end='')\n"
        "print()\nplt.plot([1, 2, 3])\nplt.show()\n{'a': 1}"
    )
    paths = kernel.lab.browse.folder(run.uid).paths
    notebook = nbformat.read(paths.output, as_version=4)
    nbformat.validate(notebook)
    outputs = notebook.cells[0].outputs
    assert outputs[0].text == "one\n49\n"
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert outputs[-1].data["text/plain"] == "{'a': 1}"
    assert paths.log.read_text().startswith("one\n")


def test_snapshot_files(kernel: Kernel) -> None:
    kernel.run("base = 10\ndef scale(v):\n    return v * base\nnoise = 'not needed'")
    _, run = kernel.recorded("result = scale(4)\nprint(result)", "--metric result")
    paths = kernel.lab.browse.folder(run.uid).paths
    script = paths.script.read_text()
    assert "base = 10" in script
    assert "noise" not in script
    done = subprocess.run([os.sys.executable, str(paths.script)], capture_output=True, text=True, check=True)
    assert done.stdout == "40\n"
    nbformat.validate(nbformat.read(paths.notebook, as_version=4))
    snapshot = json.loads(paths.snapshot.read_text())
    assert snapshot["digest"] == run.snapshot
    assert snapshot["environment"]["python"].startswith("3.")
    assert any(line.startswith("ipython==") for line in paths.lock.read_text().splitlines())


def test_fingerprint_is_blind_to_comments_only(kernel: Kernel) -> None:
    kernel.run("scale_by = 2")
    _, one = kernel.recorded("y = scale_by * 3")
    _, two = kernel.recorded("# a comment\ny = scale_by  *  3   # another")
    _, three = kernel.recorded("y = scale_by * 4")
    kernel.run("scale_by = 5")
    _, four = kernel.recorded("y = scale_by * 3")
    assert one.fingerprint == two.fingerprint
    assert len({one.fingerprint, three.fingerprint, four.fingerprint}) == 3


def test_secrets_stay_out(kernel: Kernel) -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    reply, run = kernel.recorded(f"aws_key = '{secret}'\nprint('using', aws_key)\npassword = 'hunter2hunter2'")
    assert secret in reply.stdout
    folder = kernel.lab.browse.folder(run.uid).paths.folder
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text(errors="replace")
            assert secret not in text, path
            assert "hunter2hunter2" not in text, path
    assert any(note.code == "secret" and "the cell" in note.message for note in run.notes)


def test_metric_that_is_not_there_is_told(kernel: Kernel) -> None:
    reply, run = kernel.recorded("accuracy = 0.9", "--metric accuray")
    assert reply.status == "ok"
    assert run.metrics == {}
    assert "Did you mean accuracy" in str(run.notes)


def test_log_of_something_else_warns_and_goes_on(kernel: Kernel) -> None:
    reply, run = kernel.recorded("import labnb\nlabnb.log({'a': 'text', 'b': float('nan')})\nlabnb.log(5)\n'end'")
    assert reply.result == "'end'"
    assert "no number" in reply.stderr
    assert math.isnan(run.metrics["b"])
    assert "a" not in run.metrics


def test_children_log_into_the_run(kernel: Kernel) -> None:
    (kernel.folder / "worker.py").write_text("import labnb\nlabnb.log({'from_script': 3})\n")
    _, run = kernel.recorded(
        "import os, labnb\npid = os.fork()\nif pid == 0:\n    labnb.log({'from_fork': 1})\n    os._exit(0)\n"
        "os.waitpid(pid, 0)\nimport sys\n!{sys.executable} worker.py"
    )
    assert run.metrics == {"from_fork": 1.0, "from_script": 3.0}


def test_artifact(kernel: Kernel) -> None:
    _, run = kernel.recorded("import labnb\nopen('model.bin', 'wb').write(b'weights')\nlabnb.artifact('model.bin')")
    folder = kernel.lab.browse.folder(run.uid).paths
    assert (folder.artifacts / "model.bin").read_bytes() == b"weights"


def test_reading_back(kernel: Kernel) -> None:
    _, run = kernel.recorded("quality = 0.75", "findme --metric quality")
    listing = kernel.run("%labruns metrics.quality > 0.7 and name = 'findme'")
    assert run.uid[:8] in str(listing.result)
    assert "text/html" in listing.outputs[-1]["data"]
    shown = kernel.run(f"%labshow {run.uid[:8]}")
    assert "quality 0.75" in str(shown.result)
    assert "Python 3." in str(shown.result)
    wrong = kernel.run("%labshow nosuchrun")
    assert "There is no run 'nosuchrun'" in str(wrong.error) + wrong.stderr
    wrong = kernel.run("%labruns metrics.quality >")
    assert "a value is missing" in str(wrong.error) + wrong.stderr
    points = kernel.run(
        f"import labnb\nframe = labnb.run('{run.uid[:8]}').to_pandas()\nframe[['metric','value']].values.tolist()"
    )
    assert points.result == "[['quality', 0.75]]"


def test_outside_of_a_run_log_warns_once(kernel: Kernel) -> None:
    count = len(all_uids(kernel.lab.paths))
    reply = kernel.run("import labnb\nlabnb.log({'a': 1})\nlabnb.log({'a': 1})")
    assert reply.status == "ok"
    assert reply.stderr.count("No run is being recorded") == 1
    assert len(all_uids(kernel.lab.paths)) == count


def test_card_stays_true(kernel: Kernel) -> None:
    reply, run = kernel.recorded("lr = 0.1\nacc = 0.5", "'<script>alert(1)</script>' --metric acc")
    assert reply.card is not None
    assert "<script>" not in reply.card["text/html"]
    assert "&lt;script&gt;" in reply.card["text/html"]
    for text in (reply.card["text/html"], reply.card["text/plain"]):
        assert "finished in" in text
        assert "acc 0.5" in text
        assert "lr=0.1" in text
        assert run.uid[:8] in text


def test_data_of_earlier_cells_count(kernel: Kernel) -> None:
    """A run depends on what the cells of its slice read, and on nothing that other cells read."""
    (kernel.folder / "train.csv").write_text("1\n2\n")
    (kernel.folder / "unrelated.csv").write_text("3\n")
    kernel.run("numbers = [int(line) for line in open('train.csv')]")
    count = kernel.run("other = open('unrelated.csv').read()").count
    _, run = kernel.recorded("total = sum(numbers)", "--metric total")
    assert [(use.path, use.cell) for use in run.inputs] == [("train.csv", count - 1)]
    assert run.inputs[0].digest == "md5:" + hashlib.md5(b"1\n2\n").hexdigest()
    (kernel.folder / "train.csv").write_text("1\n2\n3\n")
    _, later = kernel.recorded("total = sum(numbers)", "--metric total")
    assert later.inputs[0].digest == run.inputs[0].digest
    assert any("train.csv has changed since" in note.message for note in later.notes)


def test_looking_alone_makes_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with Kernel(tmp_path) as kernel:
        kernel.load()
        kernel.run("open('a.txt').read()")
        kernel.run("%labruns")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.slow
def test_mlflow_shows_the_run(tmp_path: Path) -> None:
    """The embedded store shows the run in MLflow's own conventions, children and the cell's own calls included."""
    from labnb.runfolder.queue import publish_now

    (tmp_path / "data.csv").write_text("1\n")
    env = {"LABNB_PUBLISHER": "1", "LABNB_PUBLISHER_IDLE": "2", "JPY_SESSION_NAME": str(tmp_path / "a.ipynb")}
    with Kernel(tmp_path, **env) as kernel:
        kernel.load()
        _, plain = kernel.recorded("import labnb\nlr = 0.1\nopen('data.csv').read()\nlabnb.log({'loss': 2})", "plain")
        _, joined = kernel.recorded("import mlflow\nmlflow.log_metric('own', 3)\nmlflow.log_param('p', 'q')", "joined")
        assert (joined.metrics["own"], joined.params["p"]) == (3.0, "q")
        assert publish_now(kernel.lab.paths, 120)
        client = mlflow.MlflowClient(f"sqlite:///{kernel.lab.paths.database}")
        (experiment,) = [e for e in client.search_experiments() if e.name == tmp_path.name]
        runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(runs) == ["joined", "plain"]
    shown = runs["plain"]
    assert shown.info.status == "FINISHED"
    assert shown.data.params == {"lr": "0.1"}
    assert shown.data.metrics == {"loss": 2.0}
    assert shown.data.tags["labnb.uid"] == plain.uid
    assert shown.data.tags["mlflow.source.name"] == str(tmp_path / "a.ipynb")
    assert [item.dataset.name for item in shown.inputs.dataset_inputs] == ["data.csv"]
    assert "labnb/closure.py" in {file.path for file in client.list_artifacts(shown.info.run_id, "labnb")}
    assert runs["joined"].data.metrics["own"] == 3.0
    assert runs["joined"].data.tags["labnb.uid"] == joined.uid


@pytest.mark.slow
def test_long_cell_has_the_load_of_the_machine(kernel: Kernel) -> None:
    _, run = kernel.recorded("import time\ntime.sleep(6)")
    assert run.metrics["system/system_memory_usage_megabytes"] > 0
    assert 0 <= run.metrics["system/cpu_utilization_percentage"] <= 100


def test_two_kernels_record_into_one_project(kernel: Kernel) -> None:
    with Kernel(kernel.folder) as other:
        other.load()
        first = kernel.send("%%labrun one\nimport time\ntime.sleep(0.5)")
        second = other.send("%%labrun two\nimport time\ntime.sleep(0.5)")
        replies = kernel.wait(first), other.wait(second)
    assert [reply.run["status"] for reply in replies] == ["FINISHED", "FINISHED"]
    assert {run.name for run in kernel.lab.browse.runs(limit=2).items} == {"one", "two"}


def test_changed_code_is_kept_in_git(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    (tmp_path / "helper.py").write_text("VALUE = 1\n")
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    (tmp_path / "helper.py").write_text("VALUE = 2\n")
    (tmp_path / "new.py").write_text("VALUE = 3\n")
    with Kernel(tmp_path) as kernel:
        kernel.load()
        _, run = kernel.recorded("import helper\nvalue = helper.VALUE", "--metric value")
    assert run.metrics == {"value": 2.0}
    assert run.code["dirty"] is True
    assert run.code["branch"] == "main"
    shown = subprocess.run([*git, "show", f"{run.code['ref']}:helper.py"], capture_output=True, text=True, check=True)
    assert shown.stdout == "VALUE = 2\n"
    status = subprocess.run([*git, "status", "--short"], capture_output=True, text=True, check=True)
    assert "M helper.py" in status.stdout
    assert "?? new.py" in status.stdout
    assert run.inputs == ()


@pytest.mark.slow
def test_the_publisher_reads_nothing_for_the_cell(tmp_path: Path) -> None:
    """The publisher is a child of the kernel, and reads the settings while cells run."""
    (tmp_path / "labnb.toml").write_text('[tracking]\nexperiment = "quiet"\n')
    with Kernel(tmp_path, LABNB_PUBLISHER="1", LABNB_PUBLISHER_IDLE="2") as kernel:
        kernel.load()
        kernel.recorded("import time\ntime.sleep(0.7)")
        _, run = kernel.recorded("import time\ntime.sleep(4)")
        _, child = kernel.recorded("!cat labnb.toml > copy.txt; sleep 0.5")
        quick = [kernel.recorded("import time\ntime.sleep(0.7)")[1] for _ in range(2)]
    assert [other.inputs for other in (run, *quick)] == [(), (), ()]
    assert [use.path for use in child.inputs] == ["labnb.toml"]
