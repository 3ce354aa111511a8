"""Jobs as detached processes: each has a keeper on its host, which outlives connection, kernel and server."""

from __future__ import annotations

import functools
import getpass
import json
import re
import sys
from collections.abc import Mapping
from importlib import resources
from typing import Any

from labnb.adapters.process_executor.far import sights
from labnb.model.errors import ExecutorError
from labnb.model.job import JobState
from labnb.model.resources import Resources
from labnb.model.run import Note
from labnb.ports.executor import Order, Sight
from labnb.ports.host import Host

_FAR = "labnb.adapters.process_executor.far"
_ROOMS = ("registry", "processes", "sights", "keeper", "requests")
# Finds a Python wherever the host keeps one: $1 is tried first, the rest goes on to it.
_FIND_PYTHON = (
    'for python in "$1" python3 /usr/bin/python3 /usr/libexec/platform-python python; do '
    'if command -v "$python" >/dev/null 2>&1; then shift; exec "$python" "$@"; fi; done; exit 127'
)
# Reads the rooms from stdin and puts them where their imports of one another find them.
_BOOT = (
    "import json, sys, types\n"
    "assert sys.version_info >= (3, 9), 'Python %d.%d' % sys.version_info[:2]\n"
    "for name, text in json.loads(sys.stdin.readline()):\n"
    "    module = sys.modules[name] = types.ModuleType(name)\n"
    "    module.__path__ = []\n"
    "    above, _, word = name.rpartition('.')\n"
    "    above and setattr(sys.modules[above], word, module)\n"
    "    exec(compile(text, name, 'exec'), module.__dict__)\n"
    "module.main()\n"
)
_TOKEN = re.compile(r"[A-Za-z0-9_][\w.-]{0,99}")
_NOTHING_HERE = ("nodes", "partition", "account", "qos", "constraint", "options")


class ProcessExecutor:
    """Starts each job at once, beside whatever else runs there. Handles are the tokens themselves."""

    def check(self, host: Host, resources: Resources) -> tuple[Note, ...]:
        """Compare what is asked for with what the machine has."""
        has = self._ask(host, {"ask": "check", "gpus": resources.gpus or 0})
        notes = []
        for name, unit in (("cpus", 1), ("gpus", 1), ("memory", 1_000_000)):
            asked = getattr(resources, name)
            if asked and asked > has[name]:
                text = f"{name}: {asked // unit} asked for, and the machine has {has[name] // unit}"
                notes.append(Note("resources", f"{text}{' (MB)' if unit > 1 else ''}.", "Ask for less."))
        asked_in_vain = [name for name in _NOTHING_HERE if getattr(resources, name)]
        if asked_in_vain:
            hint = 'Leave them out, or set executor = "slurm" for the target.'
            notes.append(Note("resources", f"A process knows no {' and no '.join(asked_in_vain)}.", hint))
        return tuple(notes)

    def submit(self, host: Host, order: Order) -> str:
        """Leave a keeper on the host that starts the job."""
        if not _TOKEN.fullmatch(order.token):
            raise ExecutorError(f"A job's token cannot be {order.token!r}.")
        asked = {
            "ask": "start",
            "token": order.token,
            "folder": order.folder,
            "command": list(order.command),
            "log": order.log,
            "resources": order.resources.to_json(),
            "setup": list(order.setup),
            "after": list(order.after),
            "grace": order.grace,
        }
        self._ask(host, asked)
        return order.token

    def look(self, host: Host, tokens: Mapping[str, str]) -> dict[str, Sight]:
        """Read what the keepers wrote."""
        if not tokens:
            return {}
        asked = {"ask": "look", "tokens": list(tokens)}
        seen = sights.look(tokens) if host.local else self._ask(host, asked)["seen"]
        return {token: _sight(data) for token, data in seen.items()}

    def cancel(self, host: Host, tokens: Mapping[str, str]) -> None:
        """Have the keepers end their jobs; a job that has not come there yet will not begin."""
        if tokens:
            self._ask(host, {"ask": "cancel", "tokens": list(tokens), "by": getpass.getuser()})

    def _ask(self, host: Host, request: dict[str, Any]) -> dict[str, Any]:
        python = sys.executable if host.local else ""
        command = ["sh", "-c", _FIND_PYTHON, "sh", python, "-I", "-S", "-c", _BOOT, "labnb-keeper"]
        if request["ask"] == "start":
            command.append(request["token"])  # `ps` then tells whose keeper it is
        done = host.run(command, stdin=_rooms(request["ask"]) + json.dumps(request).encode())
        if done.code == 127:
            raise ExecutorError("There is no Python on the host.", "A process there needs Python 3.9 or later.")
        try:
            told: dict[str, Any] = json.loads(done.out)
        except ValueError:
            said = done.err.decode(errors="replace").strip()
            if "AssertionError: Python" in said:
                version = said.rpartition("AssertionError: ")[2]
                raise ExecutorError(f"The host has {version}.", "A process there needs Python 3.9 or later.") from None
            raise ExecutorError(f"The host's answer cannot be read: {said[-400:] or done.out[:200]!r}.") from None
        if "error" in told:
            raise ExecutorError(f"The host cannot keep the job: {told['error']}.")
        return told


@functools.cache
def _rooms(ask: str) -> bytes:
    """Give the far side's text: one line of JSON, [[module, source], …], the packages above it empty."""
    parts = _FAR.split(".")
    items = [[".".join(parts[: number + 1]), ""] for number in range(len(parts))]
    folder = resources.files(_FAR)
    # Reading the keeper takes a third of the time that a question takes.
    rooms = [room for room in _ROOMS if room != "keeper" or ask == "start"]
    items += [[f"{_FAR}.{room}", folder.joinpath(f"{room}.py").read_text(encoding="utf-8")] for room in rooms]
    return json.dumps(items).encode() + b"\n"


def _sight(data: dict[str, Any]) -> Sight:
    return Sight(
        state=JobState(data["state"]),
        reason=data.get("reason") or "",
        exit_code=data.get("exit_code"),
        node=data.get("node") or "",
        submitted=data.get("submitted"),
        started=data.get("started"),
        ended=data.get("ended"),
        used=data.get("used") or {},
    )
