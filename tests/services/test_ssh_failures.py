"""SSH when things go wrong: keys, lost and frozen connections, full disks; jobs go on meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labnb.adapters.process_executor import ProcessExecutor
from labnb.adapters.slurm import SlurmExecutor
from labnb.adapters.ssh_host import SshHost
from labnb.model.errors import ConfigError, HostError, HostRefused, HostUnreachable, LabError
from labnb.model.job import JobState
from labnb.ports.executor import Executor
from labnb.testing.executor import order, until
from labnb.testing.host import raised
from tests.services.slurm import SlurmCluster
from tests.services.sshd import Sshd

pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.slow]


@pytest.fixture
def host(sshd: Sshd) -> Iterator[SshHost]:
    found = SshHost(Sshd.address)
    yield found
    found.close()


def later(seconds: float, call: object) -> None:
    timer = threading.Timer(seconds, call)  # type: ignore[arg-type]
    timer.daemon = True
    timer.start()


def test_a_warm_command_is_quick(host: SshHost) -> None:
    host.run(["true"])
    spent = []
    for _ in range(15):
        began = time.monotonic()
        host.run(["true"])
        spent.append(time.monotonic() - began)
    assert sorted(spent)[7] < 0.1


def test_a_changed_key_is_refused_and_explained(host: SshHost, sshd: Sshd) -> None:
    sshd.know("other_key")
    sizes = (sshd.root / "sshd.log").stat().st_size
    error = raised(lambda: host.run(["touch", str(sshd.far / "was-here")]))
    assert isinstance(error, HostRefused)
    assert "is not who it was" in error.message
    assert "ssh-keygen -R '[127.0.0.1]:" in error.hint
    assert "Accepted publickey" not in (sshd.root / "sshd.log").read_text()[sizes:]
    assert not (sshd.far / "was-here").exists()


def test_an_unknown_key_is_refused_and_explained(host: SshHost, sshd: Sshd) -> None:
    for prepare in (lambda: sshd.know(""), (sshd.root / "known_hosts").unlink):
        prepare()
        host.close()
        error = raised(lambda: host.run(["true"]))
        assert isinstance(error, HostRefused)
        assert "is not known here" in error.message
        assert "`ssh lab`" in error.hint
        assert "SHA256:" in error.message


def test_a_wrong_key_of_ones_own(host: SshHost, sshd: Sshd) -> None:
    allowed = sshd.root / "authorized_keys"
    kept = allowed.read_text()
    allowed.write_text((sshd.root / "other_key.pub").read_text())
    try:
        error = raised(lambda: host.run(["true"]))
    finally:
        allowed.write_text(kept)
    assert isinstance(error, HostRefused)
    assert "does not let you in" in error.message
    assert "ssh lab" in error.hint
    # Whoever was refused is not tried again at once: that is how one gets locked out.
    assert raised(lambda: host.run(["true"])).message == error.message
    host.close()
    assert host.run(["true"]).code == 0


def test_a_key_that_is_locked(host: SshHost, sshd: Sshd) -> None:
    locked = sshd.root / "locked"
    if not locked.exists():
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(locked)]
        subprocess.run(words, check=True)
    config = sshd.home / ".ssh" / "config"
    kept = config.read_text()
    config.write_text(kept.replace(f"{sshd.root}/id\n", f"{locked}\n"))
    try:
        error = raised(lambda: host.run(["true"]))
    finally:
        config.write_text(kept)
    assert isinstance(error, HostRefused)
    assert "ssh-add" in error.hint


def test_through_a_jump_host_and_with_a_config_that_labnb_does_not_know(sshd: Sshd) -> None:
    config = sshd.home / ".ssh" / "config"
    kept = config.read_text()
    inner = kept.replace("Host lab", "Host inner").rstrip()
    inner += "\n  ProxyJump lab\n  VisualHostKey yes\n  XauthLocation /x\n"
    config.write_text(f"Include nothing-here\n{kept}\n{inner}")
    host = SshHost("ssh://inner")
    try:
        assert host.run(["echo", "there"]).out == b"there\n"
        assert len(sshd.sessions()) >= 2
    finally:
        host.close()
        config.write_text(kept)


@pytest.mark.parametrize(
    ("address", "kind", "said"),
    [
        ("ssh://nobody.invalid", HostUnreachable, "There is no host 'nobody.invalid'"),
        ("ssh://127.0.0.1:1", HostUnreachable, "takes no connections"),
        ("ssh://no-such-user-here@lab", HostRefused, "does not let you in"),
    ],
)
def test_hosts_that_are_not_there(sshd: Sshd, address: str, kind: type[HostError], said: str) -> None:
    error = raised(lambda: SshHost(address).run(["true"]))
    assert type(error) is kind
    assert said in error.message
    assert error.hint


@pytest.mark.parametrize(
    "address", ["ssh://", "ssh://a b", "ssh://lab:x", "ssh://-oProxyCommand=touch x", "http://lab"]
)
def test_addresses_that_are_none(address: str) -> None:
    assert isinstance(raised(lambda: SshHost(address)), ConfigError)


def test_a_host_that_is_away_is_left_alone_for_a_while(host: SshHost, sshd: Sshd) -> None:
    sshd.stop()
    errors = [raised(lambda: host.run(["true"])) for _ in range(3)]
    assert {type(error) for error in errors} == {HostUnreachable}
    sshd.ensure()
    deadline = time.monotonic() + 10
    while True:
        try:
            assert host.run(["echo", "back"]).out == b"back\n"
            break
        except HostUnreachable:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_lost_connection_is_no_success(host: SshHost, sshd: Sshd) -> None:
    host.run(["true"])
    later(0.3, sshd.cut)
    began = time.monotonic()
    assert isinstance(raised(lambda: host.run(["sleep", "20"])), HostUnreachable)
    assert time.monotonic() - began < 5
    assert host.run(["echo", "again"]).out == b"again\n"
    sshd.cut()
    time.sleep(0.1)
    assert host.run(["echo", "again"]).out == b"again\n"


def test_a_frozen_connection_is_noticed(host: SshHost, sshd: Sshd) -> None:
    host.run(["true"])
    later(0.2, sshd.freeze)
    began = time.monotonic()
    assert isinstance(raised(lambda: host.run(["sleep", "60"])), HostUnreachable)
    assert time.monotonic() - began < 20  # ServerAliveInterval 1, ServerAliveCountMax 2 in the user's config
    assert host.run(["echo", "again"]).out == b"again\n"


def test_a_connection_lost_while_files_move(host: SshHost, sshd: Sshd, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate(400_000_000)
    host.run(["true"])
    later(0.2, sshd.cut)
    assert isinstance(raised(lambda: host.put({"~/moved/large": large})), HostUnreachable)
    assert not (sshd.far / "moved" / "large").exists()
    host.put({"~/moved/large": b"small"})
    assert (sshd.far / "moved" / "large").read_bytes() == b"small"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_and_a_folder_of_somebody_else(host: SshHost, sshd: Sshd) -> None:
    small = sshd.far / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        error = raised(lambda: host.put({f"{small}/file": b"x" * 3_000_000}))
        assert isinstance(error, HostError)
        assert "no space left" in error.message
        assert "folder of the target" in error.hint
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", str(small)], check=True)
    error = raised(lambda: host.put({"/proc/version/x": b""}))
    assert isinstance(error, LabError)
    assert "/proc/version" in error.message


@pytest.mark.parametrize("kind", [ProcessExecutor, SlurmExecutor])
@pytest.mark.parametrize("trouble", ["cut", "freeze", "stop"])
def test_jobs_go_on_without_a_connection(
    host: SshHost, sshd: Sshd, slurm: SlurmCluster, kind: type[Executor], trouble: str
) -> None:
    executor = kind()
    far = str(sshd.far / "jobs")
    job = order(far, "sh", "-c", "echo one; sleep 1; echo two")
    handles = {job.token: executor.submit(host, job)}
    until(executor, host, handles, JobState.RUNNING)
    getattr(sshd, trouble)()
    deadline = time.monotonic() + 30
    while not Path(job.log).exists() or Path(job.log).read_text() != "one\ntwo\n":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if trouble == "stop":
        assert isinstance(raised(lambda: executor.look(host, handles)), HostUnreachable)
    sshd.ensure()
    assert _patiently(lambda: until(executor, host, handles))[job.token].state is JobState.COMPLETED
    assert host.read(job.log) == b"one\ntwo\n"


def _patiently(call):  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 40
    while True:
        try:
            return call()
        except HostUnreachable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", [ProcessExecutor, SlurmExecutor])
def test_soak_connections_lost_at_random(host: SshHost, sshd: Sshd, slurm: SlurmCluster, kind: type[Executor]) -> None:
    """Jobs are submitted and followed while the connection is cut, frozen, and the server stopped: each runs once."""
    seed = int(os.environ.get("LABNB_SEED", time.time_ns() % 10**6))
    print(f"\nLABNB_SEED={seed}", file=sys.stderr)
    chance, executor = random.Random(seed), kind()
    stop = threading.Event()

    def trouble() -> None:
        while not stop.wait(chance.uniform(0.05, 2)):
            getattr(sshd, chance.choice(["cut", "cut", "freeze", "stop"]))()
            stop.wait(chance.uniform(0, 1))
            sshd.ensure()

    thread = threading.Thread(target=trouble)
    thread.start()
    jobs = [order(str(sshd.far / "jobs"), "sh", "-c", "echo ran >> count") for _ in range(60)]
    try:
        handles = {job.token: _patiently(lambda job=job: executor.submit(host, job)) for job in jobs}
        ended: dict[str, JobState] = {}
        deadline = time.monotonic() + 300
        while len(ended) < len(jobs):
            assert time.monotonic() < deadline
            seen = _patiently(lambda: executor.look(host, handles))
            ended |= {token: sight.state for token, sight in seen.items() if sight.state.ended}
    finally:
        stop.set()
        thread.join()
        sshd.ensure()
    assert set(ended.values()) == {JobState.COMPLETED}
    assert [Path(job.folder, "count").read_text() for job in jobs] == ["ran\n"] * len(jobs)
    shutil.rmtree(sshd.far / "jobs")
