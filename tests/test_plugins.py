"""Executors and hosts by name: built-ins and plug-ins through the same door."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb import plugins
from labnb.adapters.local_host import LocalHost
from labnb.adapters.process_executor import ProcessExecutor
from labnb.model.errors import ConfigError, UnknownName


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    plugins.executor.cache_clear()
    plugins.host.cache_clear()
    yield
    plugins.executor.cache_clear()
    plugins.host.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages; `install` puts one there."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, package: str, group: str, name: str, value: str) -> None:
    folder = site / f"{package.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")


def test_built_ins() -> None:
    assert isinstance(plugins.executor("process"), ProcessExecutor)
    assert isinstance(plugins.host(""), LocalHost)
    assert plugins.host("") is plugins.host("")
    assert {"process", "slurm"} <= set(plugins.names(plugins.EXECUTORS))
    assert {"local", "ssh"} <= set(plugins.names(plugins.HOSTS))


def test_somebody_elses(site: Path) -> None:
    (site / "their_lab.py").write_text("class Executor: pass\n\ndef host(address): return address.upper()\n")
    install(site, "their-lab", plugins.EXECUTORS, "pbs", "their_lab:Executor")
    install(site, "their-other", plugins.HOSTS, "cloud", "their_lab:host")
    assert type(plugins.executor("pbs")).__module__ == "their_lab"
    assert plugins.host("cloud://here") == "CLOUD://HERE"


def test_two_with_one_name_are_both_named(site: Path) -> None:
    install(site, "their-lab", plugins.EXECUTORS, "slurm", "their_lab:Executor")
    with pytest.raises(ConfigError) as caught:
        plugins.executor("slurm")
    assert "labnb and their-lab both bring the executor 'slurm'" in caught.value.message


def test_a_name_that_nobody_brings() -> None:
    with pytest.raises(UnknownName) as caught:
        plugins.executor("slrum")
    assert caught.value.hint == "Did you mean slurm?"
    with pytest.raises(UnknownName, match="ftp"):
        plugins.host("ftp://x")


def test_one_that_cannot_be_loaded(site: Path) -> None:
    install(site, "their-lab", plugins.EXECUTORS, "pbs", "no_such_module:Executor")
    with pytest.raises(ConfigError, match="of their-lab cannot be loaded"):
        plugins.executor("pbs")


def test_asking_for_names_loads_no_ssh() -> None:
    program = "import sys; from labnb.plugins import executor, host; host(''); executor('process')"
    program += "; print('asyncssh' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
