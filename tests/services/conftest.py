"""One server of each kind for all tests of a process: starting one takes some twelve seconds."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labnb.adapters.mlflow.http import answer_quickly
from labnb.model.run import MlflowLink
from labnb.testing.result_store import Held
from tests.adapters.mlflow.conftest import empty_store, lab, no_user, read
from tests.magics.jobs_project import end_follower, four_targets, make_project
from tests.services.mlflow_server import MlflowServer
from tests.services.postgres import Postgres
from tests.services.proxy import Proxy
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

__all__ = ["empty_store", "lab", "no_user"]
ADMIN = ("admin", "correct horse battery")
DAYS = 3 * 86400


def sqlite_server(folder: Path, empty: Path) -> MlflowServer:
    shutil.copy(empty / "mlflow.db", folder / "mlflow.db")
    return MlflowServer(folder, f"sqlite:///{folder / 'mlflow.db'}")


@pytest.fixture(scope="session")
def _sqlite_server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[MlflowServer]:
    server = sqlite_server(tmp_path_factory.mktemp("server"), empty_store)
    yield server
    server.kill()


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A project with the four targets, for the trials of what dies under jobs."""
    found = make_project(tmp_path / "p", four_targets())
    yield found
    end_follower(found)


@pytest.fixture
def server(_sqlite_server: MlflowServer) -> MlflowServer:
    """A server on SQLite; tests may kill it."""
    _sqlite_server.ensure()
    answer_quickly()
    return _sqlite_server


@pytest.fixture
def proxy(server: MlflowServer) -> Iterator[Proxy]:
    with Proxy(server.port) as found:
        yield found


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A server on PostgreSQL, whose clock is three days ahead."""
    with Postgres() as postgres:
        server = MlflowServer(tmp_path_factory.mktemp("server"), postgres.database("mlflow"), ahead=DAYS)
        server.start()
        answer_quickly()
        yield server
        server.kill()


@pytest.fixture(scope="session")
def login_server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[MlflowServer]:
    """A server that wants a name and a password; whoever is not named in an experiment may only read it."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_store / "mlflow.db", folder / "mlflow.db")
    settings = folder / "auth.ini"
    settings.write_text(
        "[mlflow]\ndefault_permission = READ\nauth_cache_ttl_seconds = 60\n"
        f"database_uri = sqlite:///{folder / 'auth.db'}\nadmin_username = {ADMIN[0]}\nadmin_password = {ADMIN[1]}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    server = MlflowServer(
        folder,
        f"sqlite:///{folder / 'mlflow.db'}",
        "--app-name",
        "basic-auth",
        env={"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "for tests only"},
    )
    server.start()
    answer_quickly()
    yield server
    server.kill()


@pytest.fixture
def look() -> Callable[[MlflowLink], Held]:
    """Read a run back through MLflow's own API."""
    return read


@pytest.fixture(scope="session")
def _slurm_cluster() -> Iterator[SlurmCluster]:
    with SlurmCluster() as found:
        yield found


@pytest.fixture
def slurm(_slurm_cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> SlurmCluster:
    """A Slurm cluster without accounting; this process is one of its clients. Tests may break it."""
    _slurm_cluster.ensure()
    for name, text in _slurm_cluster.env.items():
        monkeypatch.setenv(name, text)
    return _slurm_cluster


@pytest.fixture(scope="module")
def _slurm_with_accounting() -> Iterator[SlurmCluster]:
    with SlurmCluster(accounting=True, min_job_age=2) as found:
        yield found


@pytest.fixture
def slurm_with_accounting(_slurm_with_accounting: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> SlurmCluster:
    """A Slurm cluster with sacct, which forgets jobs soon after their end."""
    _slurm_with_accounting.ensure()
    for name, text in _slurm_with_accounting.env.items():
        monkeypatch.setenv(name, text)
    return _slurm_with_accounting


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own on this machine."""
    found = tmp_path / "home"
    found.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(found))
    return found


@pytest.fixture(scope="session")
def _sshd(_slurm_cluster: SlurmCluster) -> Iterator[Sshd]:
    with Sshd(_slurm_cluster.env) as found:
        yield found


@pytest.fixture
def sshd(_sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """A machine behind SSH, `ssh://lab`: the login node of the cluster, with files of its own. Tests may break it."""
    _sshd.ensure()
    monkeypatch.setenv("HOME", str(_sshd.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return _sshd
