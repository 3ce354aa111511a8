"""Mirror jobs of a far host: their logs and journals as they grow, everything else when it changes, the end last."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from labnb.model.errors import HostError, NotFound
from labnb.ports.host import Host
from labnb.runfolder.job_index import JobFolder
from labnb.runfolder.job_paths import JobPaths

# Fixed scripts: the folders stand in their words.
_LIST = (
    'for folder; do find "$folder" -maxdepth 1 -type f ! -name ".*" -printf "%s %T@ %p\\n" 2>/dev/null; done; exit 0'
)
_FILES = 'for top; do [ -d "$top" ] && find "$top" -type f; done; exit 0'
_WAIT = (
    'pause=$1; left=$2; shift 2; while [ "$left" -gt 0 ]; do for file; do [ -e "$file" ] && exit 0; done; '
    'sleep "$pause"; left=$((left - 1)); done; exit 1'
)
#: Grow by appending: what is here already is not fetched again.
_GROWING = ("journal.jsonl", "log.txt", "starts.jsonl")
_WHOLE = (
    "log.tail", "output.ipynb", "state.json", "claim", "values.json", "error.pkl", "files.json", "output.txt",
    "stopped.json",
)  # fmt: skip
#: Bytes of one reading of a growing file.
PIECE = 4_000_000


@dataclass
class MirrorJobs:
    """The mirror of one host; remembers what it has brought."""

    host: Host
    seen: dict[str, tuple[int, str]] = field(default_factory=dict)

    def bring(self, jobs: Iterable[tuple[JobFolder, str]]) -> set[str]:
        """Bring what is new of these jobs (each with its far folder); give those of which something was.

        One question for all, then one reading per file that changed. Raises what the host raises.
        """
        far = {folder: JobPaths(Path(place)) for folder, place in jobs if place}
        if not far:
            return set()
        places = [str(path) for paths in far.values() for path in (paths.folder, paths.home)]
        found = self._list(places)
        changed = set()
        for folder, paths in far.items():
            if self._bring(folder, paths, found):
                changed.add(folder.uid)
        return changed

    def wait(self, places: list[str], seconds: float) -> bool:
        """Wait on the host itself until one of these jobs (far folders) ends; False when none did in that time."""
        files = [str(JobPaths(Path(place)).end) for place in places]
        pause = 0.1 if len(files) <= 20 else 1
        done = self.host.run(
            ["sh", "-c", _WAIT, "sh", str(pause), str(max(int(seconds / pause), 1)), *files], timeout=seconds + 30
        )
        return done.code == 0

    def _list(self, places: list[str]) -> dict[str, tuple[int, str]]:
        done = self.host.run(["sh", "-c", _LIST, "sh", *places])
        if done.code:
            raise HostError(f"The jobs cannot be looked at: {done.err.decode(errors='replace').strip()[-200:]}.")
        found = {}
        for line in done.out.decode(errors="surrogateescape").splitlines():
            size, time, path = line.split(" ", 2)
            found[path] = (int(size), time)
        return found

    def _bring(self, folder: JobFolder, far: JobPaths, found: dict[str, tuple[int, str]]) -> bool:
        changed = False
        for path in (far.run.journal, far.run.log, far.starts):
            changed |= self._append(str(path), _near(folder, far, path), found)
        fresh = {}
        for name in _WHOLE:
            for above in (far.folder, far.home):
                path = above / name
                if str(path) in found and self.seen.get(str(path)) != found[str(path)]:
                    fresh[str(path)] = _near(folder, far, path)
        if str(far.stopped) in fresh:
            fresh.update(self._last(folder, far))
        ended = str(far.end) in found and not folder.paths.end.exists()
        if ended:
            fresh.update(self._last(folder, far))
        if str(far.run.log_tail) not in found:
            folder.paths.run.log_tail.unlink(missing_ok=True)
        try:
            self.host.get(fresh)
        except NotFound:  # it was renamed or taken away meanwhile; the next look tells
            pass
        else:
            self.seen.update({path: found[path] for path in fresh if path in found})
        if ended:
            self.host.get({str(far.end): folder.paths.end})
        # The sign of life alone is no news.
        return changed or ended or any(not path.endswith("/state.json") for path in fresh)

    def _append(self, path: str, near: Path, found: dict[str, tuple[int, str]]) -> bool:
        if path not in found:
            return False
        have = near.stat().st_size if near.exists() else 0
        changed = False
        while have < found[path][0]:
            data = self.host.read(path, have, PIECE)
            if not data:
                break
            handle = os.open(near, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                have += os.write(handle, data)
            finally:
                os.close(handle)
            changed = True
        return changed

    def _last(self, folder: JobFolder, far: JobPaths) -> dict[str, Path]:
        """Name what is fetched when the job has ended: its values, and what it kept."""
        place = str(far.value_objects)
        done = self.host.run(["sh", "-c", _FILES, "sh", place, str(far.run.artifacts)])
        paths = [Path(line) for line in done.out.decode(errors="surrogateescape").splitlines()]
        return {str(path): _near(folder, far, path) for path in paths}


def _near(folder: JobFolder, far: JobPaths, path: Path) -> Path:
    """Say where a file of the far folder lies in the near one; what would lie outside raises HostError."""
    inner = path.relative_to(far.folder)
    near = folder.paths.folder / inner
    if ".." in inner.parts:
        raise HostError(f"The host tells of a file outside of the job: {path}.")
    return near
