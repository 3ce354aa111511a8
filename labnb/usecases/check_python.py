"""Look at the Python of a target before a job goes there: its version, the modules it needs, versions of packages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from labnb.model.errors import JobError
from labnb.model.job_request import JobRequest
from labnb.model.run import Note
from labnb.model.target import Target
from labnb.ports.host import Host

OLDEST = (3, 9)
#: Seconds for which an answer holds.
HOLDS = 300.0
_LOOK = """\
import json, sys
def version(name):
    try:
        from importlib import metadata
        return metadata.version(name)
    except Exception:
        return None
def missing(name):
    try:
        import importlib.util
        return importlib.util.find_spec(name) is None
    except Exception:
        return True
packages, modules = [[w for w in text.split(",") if w] for text in sys.argv[1:3]]
print(json.dumps({"python": list(sys.version_info[:3]), "packages": {n: version(n) for n in packages},
                  "missing": [n for n in modules if missing(n)]}))
"""


@dataclass
class CheckPython:
    """Asks each target once in a while."""

    told: dict[tuple[object, ...], tuple[float, dict[str, Any]]] = field(default_factory=dict)

    def check(self, target: Target, host: Host, request: JobRequest, interpreter: str) -> list[Note]:
        """Give notes on packages that differ. Raises what the host does, and JobError where the job could not run.

        An image, and an environment that is made for the job, are not looked into.
        """
        if target.image or target.environment:
            return []
        modules = sorted({how["import"].partition(".")[0] for how in request.names.values() if "import" in how})
        answer = self._ask(target, host, target.python or interpreter, sorted(request.packages), modules)
        there = tuple(answer["python"])
        version = ".".join(map(str, there))
        if there < OLDEST:
            raise JobError(
                f"The Python of {target.name} is {version}, and jobs need 3.9 or later.",
                "Set python or setup of the target to a newer one.",
            )
        if request.by_value and version.split(".")[:2] != request.python.split(".")[:2]:
            names = ", ".join(request.by_value[:3])
            raise JobError(
                f"The Python of {target.name} is {version}, the notebook's {request.python}, and {names} hold code of "
                "the notebook, which cannot cross versions.",
                'Set python of the target to the same version, or environment = "uv"; or move that code into a module.',
            )
        if answer["missing"]:
            raise JobError(
                f"{target.name} has no {' and no '.join(answer['missing'])}, which the cell uses.",
                'Install it there, or set environment = "uv" for the target.',
            )
        differ = [
            f"{name} {here} here, {found} there"
            for name, here in request.packages.items()
            if (found := answer["packages"].get(name)) and found.split(".")[:2] != here.split(".")[:2]
        ]
        if not differ:
            return []
        more = f", and {len(differ) - 5} more" if len(differ) > 5 else ""
        text = f"Packages differ on {target.name}: {'; '.join(differ[:5])}{more}."
        return [Note("packages", text, 'environment = "uv" rebuilds those of the notebook there.')]

    def _ask(
        self, target: Target, host: Host, python: str, packages: Iterable[str], modules: Iterable[str]
    ) -> dict[str, Any]:
        words = (",".join(packages), ",".join(modules))
        key = (target.host, python, target.setup, *words)
        asked, answer = self.told.get(key, (-HOLDS, {}))
        if time.monotonic() - asked < HOLDS:
            return answer
        shell = ["bash", "-l", "-c"] if target.setup else ["sh", "-c"]
        lines = "\n".join(
            [*target.setup, 'case $1 in "~/"*) python=$HOME/${1#"~/"}; shift; set -- "$python" "$@";; esac']
        )
        done = host.run([*shell, f'{lines}\nexec "$@"', "labnb", python, "-c", _LOOK, *words], timeout=120)
        said = done.err.decode(errors="replace").strip()[-300:]
        try:
            found: dict[str, Any] = json.loads(done.out.decode(errors="replace").strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise JobError(
                f"There is no Python {python} on {target.name}: {said or f'exit code {done.code}'}.",
                "Set python of the target to an interpreter there, or setup to lines that bring one.",
            ) from None
        self.told[key] = time.monotonic(), found
        return found
