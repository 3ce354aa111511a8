"""Two kinds of host, two executors: the same contracts on all four backends, with a real sshd and a real Slurm."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.adapters.local_host import LocalHost
from labnb.adapters.process_executor import ProcessExecutor
from labnb.adapters.slurm import SlurmExecutor
from labnb.adapters.ssh_host import SshHost
from labnb.ports.executor import Executor
from labnb.ports.host import Host
from labnb.testing.executor import ExecutorContract
from labnb.testing.host import HostContract
from tests.services.sshd import Sshd

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]


@pytest.fixture(params=["local", "ssh"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    if request.param == "local":
        request.getfixturevalue("home")
        yield LocalHost()
        return
    request.getfixturevalue("sshd")
    found = SshHost(Sshd.address)
    yield found
    found.close()


@pytest.fixture
def far(host: Host, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if host.local:
        return str(tmp_path / "far")
    sshd: Sshd = request.getfixturevalue("sshd")
    return str(sshd.far / uuid.uuid4().hex)


@pytest.fixture(params=["process", "slurm"])
def executor(request: pytest.FixtureRequest) -> Executor:
    if request.param == "process":
        return ProcessExecutor()
    request.getfixturevalue("slurm")
    return SlurmExecutor()


class TestHosts(HostContract):
    pass


class TestExecutors(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _hub(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "a secret")
