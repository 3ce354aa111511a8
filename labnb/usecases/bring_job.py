"""Bring a job's files to a host that shares none with this machine: what is there is not sent again."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labnb.model.errors import HostError
from labnb.model.run import Note
from labnb.model.target import Target
from labnb.ports.host import Host
from labnb.runfolder.folder import RunFolder
from labnb.runfolder.job_index import JobFolder, JobIndex
from labnb.runfolder.job_paths import JobPaths, JobStore
from labnb.usecases.far_lock import far_lock
from labnb.usecases.place import Place, jobs_folder, placed
from labnb.usecases.runner_program import RunnerProgram
from labnb.usecases.work_tree import Needed, WorkTree, digest_file

# Fixed scripts: what is told to them stands in their words and their input, never in their text.
_MAKE = (
    'umask 077; case $1 in "~/"*) set -- "$HOME/${1#"~/"}" "$2";; esac; '
    'mkdir -p "$1/objects" "$1/data" "$1/trees" "$1/$2/job" && cd "$1" && pwd -P && df -Pk . | tail -n 1'
)
# What is there, in the folder of the jobs, counts as used now: what lies unused for long may be cleaned away.
_MISSING = (
    'while IFS= read -r path; do if [ -s "$path" ]; then case $path in "$1"/*) touch -c "$path";; esac; '
    'else printf "%s\\n" "$path"; fi; done'
)
_UNPACK = (
    'umask 077; [ -e "$2" ] && exit 0; rm -rf "$2.part" && mkdir -p "$2.part" && tar -xpf "$1" -C "$2.part" '
    '&& mv -T "$2.part" "$2"'
)
#: Bytes that must stay free on a target beyond what a job brings.
SPARE = 50_000_000


@dataclass(frozen=True)
class BringJob:
    """Sends what a job needs to one host."""

    index: JobIndex
    tree: WorkTree
    host: Host

    def bring(
        self,
        folder: JobFolder,
        target: Target,
        runner: RunnerProgram,
        tell: Callable[[JobFolder, list[Note]], None],
    ) -> Place:
        """Make the job's folder on the host with all that it needs. Raises what the host raises."""
        store, free = self._make(target, folder.uid)
        far = JobPaths(store.folder / folder.uid)
        request = folder.request()
        run, _ = RunFolder(self.index.lab.run(folder.uid)).stored()
        here = self.index.store
        with tempfile.TemporaryDirectory(prefix="labnb-job-") as scratch:
            tree = Path(scratch, "tree")
            snapshot = run.code.get("snapshot")
            inner = self.tree.inside(snapshot)
            self.tree.export(snapshot, tree)
            needed, notes = self.tree.needed(tree / inner, json.loads(folder.paths.needs.read_text()))
            links, sources = self._data(store, target, needed)
            links = {f"{inner}/{path}" if inner else path: place for path, place in links.items()}
            archive = Path(scratch, "tree.tar")
            digest = pack(tree, links, archive)
            tree_far = store.folder / "trees" / f"{digest}.tar"
            sources[str(tree_far)] = archive
            sources.update({str(store.object(name)): here.object(name) for name in request.objects})
            if request.state:
                sources[str(store.object(request.state))] = here.object(request.state)
            runner_far = store.runner(runner.digest)
            lock, wheels, without = self._lock(folder, target, store)
            sources.update(wheels)
            missing = self._missing(store, [*sources, str(runner_far)])
            size = sum(sources[path].stat().st_size for path in missing if path in sources)
            if size + SPARE > free:
                raise HostError(
                    f"There is no room for the job on {target.name}: it needs {size:,} bytes, and {free:,} are free.",
                    "Make room there, or set folder of the target to another disk.",
                )
            files: dict[str, Path | bytes] = {path: sources[path] for path in missing if path in sources}
            if str(runner_far) in missing:
                files[str(runner_far)] = runner.data
            files[str(far.request)] = json.dumps(placed(request, far.work / inner, store.objects).to_json()).encode()
            files[str(far.cell)] = folder.paths.cell
            if folder.paths.run.lock.exists():
                files[str(far.run.lock)] = lock.encode()
            self.host.put(files)
        done = self.host.run(["sh", "-c", _UNPACK, "sh", str(tree_far), str(far.work)], timeout=600)
        if done.code:
            raise HostError(f"The code cannot be unpacked on {target.name}: {_said(done.err)}.")
        tell(folder, notes + without)
        return Place(
            folder=str(far.folder),
            runner=str(runner_far),
            store=str(store.folder),
            environments=str(store.folder.parent / "environments"),
            lock=str(far.run.lock),
            lock_digest=str(run.environment.get("lock", "")),
            seen=(target.cache,) if target.cache else (),
        )

    def _lock(self, folder: JobFolder, target: Target, store: JobStore) -> tuple[str, dict[str, Path], list[Note]]:
        """Give the lock as it is to lie there, the wheels that it names, and what it goes without."""
        path = folder.paths.run.lock
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if not target.environment:
            return text, {}, []
        return far_lock(text.splitlines(), str(store.folder / "wheels"))

    def _make(self, target: Target, uid: str) -> tuple[JobStore, int]:
        """Make the folders of a job; give the store with its absolute path, and the bytes that are free."""
        folder = jobs_folder(target, self.index.lab.root)
        done = self.host.run(["sh", "-c", _MAKE, "sh", folder, uid])
        lines = done.out.decode(errors="replace").splitlines()
        if done.code or not lines:
            raise HostError(
                f"The folder {folder} cannot be made on {target.name}: {_said(done.err)}.",
                "Set folder of the target to a place where you may write.",
            )
        try:
            free = int(lines[-1].split()[3]) * 1024
        except (IndexError, ValueError):
            free = 1 << 62  # a df of its own kind: the writing will tell
        return JobStore(Path(lines[0])), free

    def _data(
        self, store: JobStore, target: Target, needed: Iterable[Needed]
    ) -> tuple[dict[str, str], dict[str, Path]]:
        """Say where each file of data will lie on the host, and which of this machine is to be sent there."""
        links: dict[str, str] = {}
        sources: dict[str, Path] = {}
        needed = [dataclasses.replace(one, digest=one.digest or digest_file(one.source)) for one in needed]
        shared: dict[str, str] = {}
        if target.cache:
            for one in needed:
                md5 = one.digest.removeprefix("md5:")
                shared[one.path] = str(PurePosixPath(target.cache, "files", "md5", md5[:2], md5[2:]))
        absent = set(self._missing(store, list(shared.values())))
        for one in needed:
            if one.path in shared and shared[one.path] not in absent:
                links[one.path] = shared[one.path]
                continue
            place = str(store.folder / "data" / one.digest.removeprefix("md5:"))
            links[one.path] = place
            sources[place] = one.source
        return links, sources

    def _missing(self, store: JobStore, paths: list[str]) -> list[str]:
        if not paths:
            return []
        text = "".join(f"{path}\n" for path in paths)
        done = self.host.run(["sh", "-c", _MISSING, "sh", str(store.folder)], stdin=text.encode())
        if done.code:
            raise HostError(f"The host cannot say what it has: {_said(done.err)}.")
        return done.out.decode().splitlines()


def pack(tree: Path, links: dict[str, str], archive: Path) -> str:
    """Write a tree with links for its data as a tar file that is the same for the same content; give its sha256."""
    with tarfile.open(archive, "w") as tar:
        for path in sorted(tree.rglob("*")):
            info = tar.gettarinfo(path, path.relative_to(tree).as_posix())
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
            info.mode |= 0o600 if not info.isdir() else 0o700
            if info.isreg():
                with open(path, "rb") as file:
                    tar.addfile(info, file)
            elif info.isdir() or info.issym():
                tar.addfile(info)
        for name in sorted(links):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, links[name]
            tar.addfile(info, io.BytesIO())
    digest = hashlib.sha256()
    with open(archive, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _said(text: bytes) -> str:
    return text.decode(errors="replace").strip()[-300:] or "it does not say why"
