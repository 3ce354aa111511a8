"""The checks of the machine and of what is installed: pure functions from facts to lines."""

from __future__ import annotations

from collections.abc import Iterator

from labnb.model.health import Check, Facts, GitFacts, JupyterFacts, PythonFacts
from labnb.usecases.doctor.lines import fail, ok, warn
from labnb.usecases.doctor.places import check_places
from labnb.usecases.doctor.services import check_services

WATCHES, INSTANCES = 8192, 32


def check_facts(facts: Facts) -> list[Check]:
    """Say how each of the facts is."""
    return [
        *_python(facts.python),
        *_jupyter(facts.jupyter),
        *_git(facts.git),
        *_settings(facts),
        *check_places(facts),
        *check_services(facts),
        *_limits(facts),
    ]


def _python(facts: PythonFacts) -> Iterator[Check]:
    if facts.fits:
        yield ok("python", f"Python {facts.version} ({facts.executable}).")
    else:
        yield fail(
            "python",
            f"Python {facts.version} does not fit labnb, which needs {facts.wanted}.",
            "Make an environment with a newer Python and install labnb there.",
        )
    wrong = [item for item in facts.packages if not item.fits]
    for item in wrong:
        has = f"is version {item.found}" if item.found else "is not installed"
        needs = f"labnb needs {item.name}{item.wanted}"
        yield fail("packages", f"{item.name} {has}; {needs}.", f'pip install "{item.name}{item.wanted}"')
    if not facts.packages:
        yield warn("packages", "labnb is not installed as a package, so its requirements are unknown.", "pip install .")
    elif not wrong:
        yield ok("packages", f"The {len(facts.packages)} packages that labnb requires are there and fit.")
    kernel = {item.name.lower(): item.found for item in facts.packages}
    if kernel.get("ipython") and kernel.get("ipykernel"):
        yield ok("kernel", f"IPython {kernel['ipython']}, ipykernel {kernel['ipykernel']}.")


def _jupyter(facts: JupyterFacts) -> Iterator[Check]:
    enable = "jupyter server extension enable labnb"
    if facts.server:
        yield ok("server extension", "Enabled.")
    elif facts.server is None:
        yield fail("server extension", "No file enables labnb's server extension.", f"{enable}, or install labnb anew.")
    else:
        yield fail("server extension", f"{facts.server_file} disables labnb.", enable)
    if facts.labextension is None:
        yield fail(
            "labextension", "labnb's JupyterLab extension is not installed.", "Install labnb anew (pip install labnb)."
        )
    elif facts.disabled_by is not None:
        yield fail("labextension", f"{facts.disabled_by} disables labnb.", "jupyter labextension enable labnb")
    elif facts.version and facts.labextension_version not in ("", None, facts.version):
        yield warn(
            "labextension",
            f"The JupyterLab extension is of version {facts.labextension_version}, labnb of {facts.version}.",
            "Install labnb anew, then reload JupyterLab.",
        )
    else:
        yield ok("labextension", f"Installed in {facts.labextension}.")


def _git(facts: GitFacts) -> Iterator[Check]:
    if facts.version is None:
        yield fail(
            "git",
            f"git {'cannot be used: ' + facts.problem if facts.problem else 'is not on PATH'}; no code is kept.",
            "Install it (apt install git, conda install git), then restart the kernels.",
        )
        return
    yield ok("git", f"git {facts.version}.")
    if facts.marker is None:
        yield ok("repository", "The project is in no git repository: its code is kept in a private one under .labnb.")
    elif facts.problem:
        yield fail("repository", f"git cannot use {facts.marker}: {facts.problem.rstrip('.')}.", _git_hint(facts))
    elif facts.head is None:
        yield ok("repository", f"{facts.marker} has no commit yet; the work tree is kept all the same.")
    else:
        yield ok("repository", f"{facts.marker} at {facts.head[:8]}.")
    if facts.ignores is False:
        yield warn(
            "ignored",
            "git does not ignore .labnb.",
            "Write a line with * into .labnb/.gitignore, and git rm --cached it.",
        )


def _git_hint(facts: GitFacts) -> str:
    if "dubious ownership" in facts.problem:
        folder = str(facts.marker).removesuffix("/.git")
        return f"It is another user's. If you trust it: git config --global --add safe.directory {folder}"
    return "git fsck tells what is damaged. Until it is mended, runs keep everything but the state of the code."


def _settings(facts: Facts) -> Iterator[Check]:
    if facts.settings:
        yield fail("labnb.toml", facts.settings, facts.settings_hint)
    elif facts.settings_files:
        yield ok("labnb.toml", f"Read: {', '.join(facts.settings_files)}.")
    else:
        yield ok("labnb.toml", "There is none, and none is needed.")


def _limits(facts: Facts) -> Iterator[Check]:
    limits = facts.limits
    short = {
        "max_user_watches": (limits.watches, WATCHES, 524288),
        "max_user_instances": (limits.instances, INSTANCES, 512),
    }
    wrong = [(name, have, good) for name, (have, least, good) in short.items() if have is not None and have < least]
    for name, have, good in wrong:
        yield warn(
            "watching files",
            f"fs.inotify.{name} is {have}: reads of files by libraries in C may not be seen in large projects.",
            f"sudo sysctl fs.inotify.{name}={good}",
        )
    if not wrong:
        yield ok("watching files", "The limits of the system are high enough.")
