"""The checks of the machine and the project: pure functions from facts to lines."""

from __future__ import annotations

from collections.abc import Iterator

from labnb.model.health import Check, Facts, GitFacts, JupyterFacts, PlaceFacts, PythonFacts, State, StoreFacts

GB = 1_000_000_000
LITTLE, LITTLE_SHARE, NONE = 1 * GB, 0.05, 50_000_000
# Seconds by which the clocks of a file system and of this machine may differ.
SKEW = 2.0
WATCHES, INSTANCES = 8192, 32

# Where locks of one machine may not be seen by another, or not at all.
SHARED = {
    "nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "lustre", "gpfs", "beegfs", "glusterfs",
    "panfs", "vboxsf", "virtiofs", "drvfs", "ncpfs",
}  # fmt: skip


def check_facts(facts: Facts) -> list[Check]:
    """Say how each of the facts is."""
    return [
        *_python(facts.python),
        *_jupyter(facts.jupyter),
        *_git(facts.git),
        *_dvc(facts),
        *_settings(facts),
        *_place(facts.place),
        *_store(facts.store),
        *_limits(facts),
    ]


def _ok(check: str, message: str) -> Check:
    return Check(check, State.OK, message)


def _warn(check: str, message: str, hint: str) -> Check:
    return Check(check, State.WARNING, message, hint)


def _fail(check: str, message: str, hint: str) -> Check:
    return Check(check, State.FAILING, message, hint)


def _python(facts: PythonFacts) -> Iterator[Check]:
    if facts.fits:
        yield _ok("python", f"Python {facts.version} ({facts.executable}).")
    else:
        yield _fail(
            "python",
            f"Python {facts.version} does not fit labnb, which needs {facts.wanted}.",
            "Make an environment with a newer Python and install labnb there.",
        )
    wrong = [item for item in facts.packages if not item.fits]
    for item in wrong:
        has = f"is version {item.found}" if item.found else "is not installed"
        needs = f"labnb needs {item.name}{item.wanted}"
        yield _fail("packages", f"{item.name} {has}; {needs}.", f'pip install "{item.name}{item.wanted}"')
    if not facts.packages:
        yield _warn(
            "packages", "labnb is not installed as a package, so its requirements are unknown.", "pip install ."
        )
    elif not wrong:
        yield _ok("packages", f"The {len(facts.packages)} packages that labnb requires are there and fit.")
    kernel = {item.name.lower(): item.found for item in facts.packages}
    if kernel.get("ipython") and kernel.get("ipykernel"):
        yield _ok("kernel", f"IPython {kernel['ipython']}, ipykernel {kernel['ipykernel']}.")


def _jupyter(facts: JupyterFacts) -> Iterator[Check]:
    enable = "jupyter server extension enable labnb"
    if facts.server:
        yield _ok("server extension", "Enabled.")
    elif facts.server is None:
        yield _fail(
            "server extension", "No file enables labnb's server extension.", f"{enable}, or install labnb anew."
        )
    else:
        yield _fail("server extension", f"{facts.server_file} disables labnb.", enable)
    if facts.labextension is None:
        yield _fail(
            "labextension", "labnb's JupyterLab extension is not installed.", "Install labnb anew (pip install labnb)."
        )
    elif facts.disabled_by is not None:
        yield _fail("labextension", f"{facts.disabled_by} disables labnb.", "jupyter labextension enable labnb")
    elif facts.version and facts.labextension_version not in ("", None, facts.version):
        yield _warn(
            "labextension",
            f"The JupyterLab extension is of version {facts.labextension_version}, labnb of {facts.version}.",
            "Install labnb anew, then reload JupyterLab.",
        )
    else:
        yield _ok("labextension", f"Installed in {facts.labextension}.")


def _git(facts: GitFacts) -> Iterator[Check]:
    if facts.version is None:
        yield _fail(
            "git",
            f"git {'cannot be used: ' + facts.problem if facts.problem else 'is not on PATH'}; no code is kept.",
            "Install it (apt install git, conda install git), then restart the kernels.",
        )
        return
    yield _ok("git", f"git {facts.version}.")
    if facts.marker is None:
        yield _ok("repository", "The project is in no git repository: its code is kept in a private one under .labnb.")
    elif facts.problem:
        yield _fail("repository", f"git cannot use {facts.marker}: {facts.problem.rstrip('.')}.", _git_hint(facts))
    elif facts.head is None:
        yield _ok("repository", f"{facts.marker} has no commit yet; the work tree is kept all the same.")
    else:
        yield _ok("repository", f"{facts.marker} at {facts.head[:8]}.")
    if facts.ignores is False:
        yield _warn(
            "ignored",
            "git does not ignore .labnb.",
            "Write a line with * into .labnb/.gitignore, and git rm --cached it.",
        )


def _git_hint(facts: GitFacts) -> str:
    if "dubious ownership" in facts.problem:
        folder = str(facts.marker).removesuffix("/.git")
        return f"It is another user's. If you trust it: git config --global --add safe.directory {folder}"
    return "git fsck tells what is damaged. Until it is mended, runs keep everything but the state of the code."


def _dvc(facts: Facts) -> Iterator[Check]:
    if facts.dvc_version is None:
        yield _fail("dvc", "DVC is not installed.", 'pip install "dvc>=3.60"')
    else:
        yield _ok("dvc", f"DVC {facts.dvc_version}.")
    for project in facts.dvc:
        if project.problem:
            yield _fail("dvc project", project.problem, "Correct the file; `dvc config --list` must read it.")
        elif not project.remotes:
            yield _warn(
                "dvc project", f"{project.root} has no remote: its data are on this machine alone.", "dvc remote add"
            )
        for remote in project.remotes:
            if remote.reachable is False:
                yield _fail(
                    "dvc remote",
                    f"The remote {remote.name} of {project.root} is at {remote.url}, which is not there.",
                    "Is it mounted? dvc remote modify changes the address.",
                )
            else:
                asked = "" if remote.reachable else " (on the network, not asked)"
                yield _ok("dvc remote", f"{remote.name} of {project.root}: {remote.url}{asked}.")


def _settings(facts: Facts) -> Iterator[Check]:
    if facts.settings:
        yield _fail("labnb.toml", facts.settings, facts.settings_hint)
    elif facts.settings_files:
        yield _ok("labnb.toml", f"Read: {', '.join(facts.settings_files)}.")
    else:
        yield _ok("labnb.toml", "There is none, and none is needed.")


def _place(facts: PlaceFacts) -> Iterator[Check]:
    if facts.home == "file":
        yield _fail(
            ".labnb", "In the place of the folder .labnb there is a file.", "Move it away: nothing can be recorded."
        )
    elif facts.problem:
        yield _fail(
            ".labnb", f"The folder of the project cannot be written: {facts.problem}.", "Nothing can be recorded here."
        )
    elif facts.closed:
        yield _fail(
            ".labnb",
            f"Not yours to write in .labnb: {', '.join(facts.closed[:5])}.",
            "sudo chown -R $USER .labnb; a notebook was perhaps run as another user.",
        )
    elif facts.home == "missing":
        yield _ok(".labnb", "Nothing is recorded yet; the folder can be made.")
    else:
        yield _ok(".labnb", "It can be written.")
    free = f"{facts.free / GB:,.1f} GB of {facts.total / GB:,.0f} GB are free"
    if facts.free < NONE:
        yield _fail("disk", f"The disk is full: {free}.", "Make room, then: labnb doctor --fix")
    elif facts.free < LITTLE or facts.free < LITTLE_SHARE * facts.total:
        yield _warn("disk", f"There is little room: {free}.", "Make room before a run needs it.")
    else:
        yield _ok("disk", f"{free}.")
    kind, where = facts.file_system, facts.mount_point
    if kind in SHARED or kind.startswith("fuse"):
        yield _warn(
            "file system",
            f".labnb lies on {kind} (mounted at {where}), where the locks of SQLite may not hold between machines.",
            "Record from one machine at a time, or keep the project on a local disk and set [tracking] uri in "
            "labnb.toml to an MLflow server. The run folders themselves need no locks.",
        )
    elif kind:
        yield _ok("file system", f"{kind}, mounted at {where}.")
    if facts.skew is not None:
        if abs(facts.skew) > SKEW:
            side = "ahead of" if facts.skew > 0 else "behind"
            yield _warn(
                "clock",
                f"The clock of the file system is {abs(facts.skew):.0f} s {side} this machine's.",
                "Set both by NTP (timedatectl set-ntp true): digests of files are remembered by their times.",
            )
        else:
            yield _ok("clock", "The clocks of the file system and of this machine agree.")


def _store(facts: StoreFacts) -> Iterator[Check]:
    if not facts.exists:
        yield _ok("store", "The embedded MLflow store is made when the first run is published.")
    elif facts.problem:
        yield _fail(
            "store",
            f"The embedded MLflow store is damaged: {facts.problem.rstrip('.')}.",
            "The runs are safe in .labnb/runs. Move .labnb/mlflow away, then `labnb sync` writes it anew from them.",
        )
    elif not facts.known:
        yield _fail(
            "store",
            f"A newer MLflow has changed the embedded store (revision {facts.revision}).",
            "Update MLflow here, or use one version of it for the project.",
        )
    else:
        old = facts.newest is not None and facts.revision != facts.newest
        later = "; it is migrated at the next publishing" if old else ""
        yield _ok("store", f"The embedded MLflow store is whole, {facts.size / 1e6:,.1f} MB{later}.")


def _limits(facts: Facts) -> Iterator[Check]:
    limits = facts.limits
    short = {
        "max_user_watches": (limits.watches, WATCHES, 524288),
        "max_user_instances": (limits.instances, INSTANCES, 512),
    }
    wrong = [(name, have, good) for name, (have, least, good) in short.items() if have is not None and have < least]
    for name, have, good in wrong:
        yield _warn(
            "watching files",
            f"fs.inotify.{name} is {have}: reads of files by libraries in C may not be seen in large projects.",
            f"sudo sysctl fs.inotify.{name}={good}",
        )
    if not wrong:
        yield _ok("watching files", "The limits of the system are high enough.")
