"""A Slurm cluster of one's own: munged, slurmctld, two slurmd in a private folder, on loopback, without root.

With `accounting` also MariaDB and slurmdbd, so that sacct knows jobs. Everything is gone on exit, jobs included.
"""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.needs import need
from tests.services.mlflow_server import free_port

_CONF = """\
ClusterName=labnb
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={root}/munge/socket,cred_expire=5
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/run/spool-%n
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd-%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
MinJobAge={min_job_age}
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1,sched_interval=1
CompleteWait=0
KillWait=1
SlurmdTimeout=10
SlurmctldTimeout=10
MessageTimeout=5
UnkillableStepTimeout=10
JobRequeue=1
{accounting}
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs={cpus} RealMemory=2000 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs={cpus} RealMemory=2000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=n2 MaxTime=60 MaxNodes=1 State=UP
"""
_ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={root}/munge/socket
"""
_DBD = """\
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser={user}
LogFile={root}/log/slurmdbd.log
PidFile={root}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StoragePort=0
StorageUser={user}
StorageLoc=slurm_acct
"""
_libc = ctypes.CDLL(None)
_FOR_ACCOUNTING = ("mariadb", "mariadb-client", "slurmdbd", "slurm-mysql")
_ORDER = ("slurmd-", "slurmctld", "slurmdbd", "mariadbd", "munged")


class SlurmCluster:
    """Started on entry, gone on exit. `env` is what a client of it needs besides its own environment."""

    def __init__(self, accounting: bool = False, cpus: int = 4, min_job_age: int = 300) -> None:
        for name in ("slurm", "munge", *(_FOR_ACCOUNTING if accounting else ())):
            need(name)
        self.accounting, self.cpus, self.min_job_age = accounting, cpus, min_job_age
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = {name: free_port() for name in ("controller", "n1", "n2", "dbd")}

    def __enter__(self) -> SlurmCluster:
        # Sockets have short names only, and slurmd's users must get in.
        self.root = Path(tempfile.mkdtemp(prefix="labnb-slurm-"))
        self.root.chmod(0o755)
        for name in ("etc", "munge", "state", "log", "run"):
            (self.root / name).mkdir(mode=0o755)
        self.env = {"SLURM_CONF": str(self.root / "etc" / "slurm.conf")}
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self, *words: str, check: bool = True) -> str:
        """Run a command of Slurm as its administrator."""
        done = subprocess.run(words, env=self._env(), capture_output=True, text=True, check=False, timeout=60)
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def states(self) -> dict[str, str]:
        """The state of each node."""
        lines = self.run("sinfo", "-hN", "-p", "debug", "-o", "%N %T", check=False).splitlines()
        return {line.split()[0]: line.split()[1] for line in lines if line.strip()}

    def start_controller(self, *words: str) -> None:
        """Start it where it does not run."""
        if "slurmctld" not in self._processes:
            self._spawn("slurmctld", "slurmctld", "-D", *words)
        # Slurm's commands wait a second and more before they ask a silent controller again.
        self._until("slurmctld", lambda: listens(self._ports["controller"]))
        self._until("slurmctld", lambda: "UP" in self.run("scontrol", "ping", check=False))
        if any(name.startswith("slurmd-") for name in self._processes):
            # Otherwise the nodes are asked after seconds only.
            self.run("scontrol", "reconfigure", check=False)

    def stop_controller(self, number: int = signal.SIGTERM) -> None:
        self._stop_one("slurmctld", number)

    def start_node(self, name: str) -> None:
        self._spawn(f"slurmd-{name}", "slurmd", "-D", "-N", name)

    def kill_node_daemon(self, name: str) -> None:
        """Kill slurmd alone: what it started lives on."""
        self._stop_one(f"slurmd-{name}", signal.SIGKILL)

    def kill_node(self, name: str) -> None:
        """Have a node die: its daemon, what its jobs run, and the steps above them, which outlive the daemon."""
        self.kill_node_daemon(name)
        marks = {f"SLURMD_NODENAME={name}".encode(), f"SLURM_CONF={self.env['SLURM_CONF']}".encode()}
        dying = set()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                number = int(entry.name)
                if marks <= set((entry / "environ").read_bytes().split(b"\0")):
                    dying.add(number)
                    above = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    if "slurmstepd" in Path("/proc", str(above), "comm").read_text():
                        dying.add(above)
        for number in dying:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def ensure(self) -> None:
        """Bring back what a test stopped, and have no jobs and idle nodes again."""
        self.start_controller()
        self.ensure_nodes()
        self.run("sh", "-c", "scancel $(squeue -h -o %A) 2>/dev/null", check=False)
        self._until("jobs", lambda: not self.run("squeue", "-h", check=False).strip())
        for name, state in self.states().items():
            if not state.startswith(("idle", "completing", "mixed", "allocated")):
                self.run("scontrol", "update", f"nodename={name}", "state=resume", check=False)
        self._until("nodes", lambda: set(self.states().values()) == {"idle"})

    def ensure_nodes(self) -> None:
        """Start the daemons of nodes that do not run."""
        for name in ("n1", "n2"):
            process = self._processes.get(f"slurmd-{name}")
            if process is None or process.poll() is not None:
                self._processes.pop(f"slurmd-{name}", None)
                self.start_node(name)

    def stop(self) -> None:
        """End all jobs and daemons, in the order in which they need one another, and remove the folder."""
        if "slurmctld" in self._processes:
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self.run("sh", "-c", "scancel $(squeue -h -o %A) 2>/dev/null", check=False)
                self._until("jobs", lambda: not self.run("squeue", "-h", check=False).strip(), 10)
        for start in _ORDER:
            for name in [name for name in self._processes if name.startswith(start)]:
                self._stop_one(name)
        self._sweep()
        shutil.rmtree(self.root, ignore_errors=True)

    def _start(self) -> None:
        self._write()
        munge = self.root / "munge"
        files = [f"--{name}-file={munge}/{name}" for name in ("key", "log", "pid", "seed")]
        self._spawn("munged", "munged", "--foreground", f"--socket={munge}/socket", *files)
        asked = ("munge", "-n", "-S", f"{munge}/socket")
        self._until("munged", lambda: subprocess.run(asked, capture_output=True, check=False).returncode == 0)
        if self.accounting:
            self._start_accounting()
        self.start_controller("-c")
        for name in ("n1", "n2"):
            self.start_node(name)
        self._until("slurmctld", lambda: list(self.states().values()) == ["idle", "idle"])

    def _write(self) -> None:
        key = self.root / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        facts = {"root": self.root, "host": os.uname().nodename.partition(".")[0], "user": _user()}
        accounting = "AccountingStorageType=accounting_storage/none"
        if self.accounting:
            accounting = _ACCOUNTING.format(**facts, port=self._ports["dbd"])
            settings = self.root / "etc" / "slurmdbd.conf"
            settings.write_text(_DBD.format(**facts, port=self._ports["dbd"]))
            settings.chmod(0o600)
        ports = {name: self._ports[name] for name in ("controller", "n1", "n2")}
        text = _CONF.format(**facts, **ports, accounting=accounting, cpus=self.cpus, min_job_age=self.min_job_age)
        Path(self.env["SLURM_CONF"]).write_text(text)

    def _start_accounting(self) -> None:
        data, door = self.root / "mysql", self.root / "run" / "mysql.sock"
        logins = ("--auth-root-authentication-method=socket", f"--auth-root-socket-user={_user()}")
        subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={data}",
                *logins,
                "--skip-test-db",
                f"--user={_user()}",
            ],
            check=True,
            capture_output=True,
        )
        small = ("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=48M", "--innodb-flush-log-at-trx-commit=0")
        place = (f"--datadir={data}", f"--socket={door}", f"--pid-file={self.root}/run/mariadbd.pid")
        self._spawn("mariadbd", "mariadbd", "--no-defaults", *place, "--skip-networking", f"--user={_user()}", *small)
        asked = ("mariadb", "--no-defaults", f"--socket={door}", "-u", _user(), "-e", "select 1")
        self._until("mariadbd", lambda: subprocess.run(asked, capture_output=True, check=False).returncode == 0, 60)
        self._spawn("slurmdbd", "slurmdbd", "-D", MYSQL_UNIX_PORT=str(door))
        self._until("slurmdbd", lambda: listens(self._ports["dbd"]), 60)
        self.run("sacctmgr", "-i", "add", "cluster", "labnb", check=False)
        self.run("sacctmgr", "-i", "add", "account", "biology", check=False)
        self.run("sacctmgr", "-i", "add", "user", _user(), "account=biology", check=False)

    def _env(self) -> dict[str, str]:
        return {**os.environ, **self.env}

    def _spawn(self, name: str, *words: str, **more: str) -> None:
        program = shutil.which(words[0], path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or words[0]
        with open(self.root / "log" / f"{name}.out", "ab") as out:
            self._processes[name] = subprocess.Popen(
                [program, *words[1:]],
                env={**self._env(), **more},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def _until(self, name: str, true: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            process = self._processes.get(name)
            if (process and process.poll() is not None) or time.monotonic() > deadline:
                out = self.root / "log" / f"{name}.out"
                raise AssertionError(f"{name}: {out.read_text()[-2000:] if out.exists() else 'not so in time'}")
            time.sleep(0.02)

    def _stop_one(self, name: str, number: int = signal.SIGTERM) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _sweep(self) -> None:
        """Kill what jobs left behind: without control groups, Slurm does not find all of it."""
        mark = f"SLURM_CONF={self.env['SLURM_CONF']}".encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                number = int(entry.name)
                if number != os.getpid() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    words = (entry / "environ").read_bytes()
                    if b"SLURM_JOB_ID=" in words or b"slurm" in (entry / "comm").read_bytes():
                        os.kill(number, signal.SIGKILL)


def end_with_parent() -> None:
    """Have a child get SIGTERM when the tests die, however they do: called in the child, before it runs its program."""
    _libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def listens(port: int) -> bool:
    """Whether somebody listens on this port of loopback."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


def _user() -> str:
    return "root" if os.geteuid() == 0 else getpass.getuser()
