"""Run the quickstart notebook from start to end and print what labnb recorded: `make demo`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
NOTEBOOK = HERE / "quickstart.ipynb"
EXECUTED = HERE / "quickstart.executed.ipynb"


def main() -> int:
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # The notebook's path comes from the Jupyter server; headless, whoever starts the kernel says it.
    os.environ["JPY_SESSION_NAME"] = str(NOTEBOOK)
    started = time.time()

    say("Fetching the data set of the example with DVC")
    subprocess.run([sys.executable, "-m", "dvc", "pull", "--quiet"], cwd=HERE, check=True)

    say(f"Running {NOTEBOOK.name}")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(HERE)}}).execute()
    nbformat.write(notebook, EXECUTED)

    say("Publishing the runs to the embedded MLflow store")
    labnb("sync")
    say(f"The runs of this notebook (took {time.time() - started:.0f} s)")
    labnb("runs", "--limit", "3")
    print(
        "\nThe executed notebook is examples/quickstart.executed.ipynb."
        "\nTo work in it yourself:  make lab   (JupyterLab opens examples/quickstart.ipynb)"
        "\nOne run in full:         .venv/bin/labnb -C examples show RUN"
        f"\nIn MLflow's own UI:      .venv/bin/mlflow ui --backend-store-uri sqlite:///{HERE}/.labnb/mlflow/mlflow.db"
    )
    return 0


def labnb(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "labnb.cli.main", "-C", str(HERE), *words], check=True)


def say(text: str) -> None:
    print(f"\n▸ {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
