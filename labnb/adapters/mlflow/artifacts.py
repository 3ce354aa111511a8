"""Artifacts of a run or a logged model: put under their paths, and seen to be there whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlparse

from mlflow import MlflowClient

from labnb.model.errors import StoreUnreachable


class Artifacts:
    """The artifacts of one run."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id

    def put(self, files: Mapping[str, Path], *, link_them: bool = False) -> None:
        """Store files under their artifact paths; MLflow itself sends large ones in pieces where the server can.

        Raises StoreUnreachable where less arrived than was sent, besides what MLflow raises.
        """
        folder = local_folder(self._client.get_run(self._run_id).info.artifact_uri) if link_them else None
        sizes = {}
        for name, path in files.items():
            if folder is not None:
                _put_file(path, folder / name)
                continue
            with _named(path, name.rpartition("/")[2]) as source:
                sizes[name] = source.stat().st_size
                self._client.log_artifact(self._run_id, str(source), name.rpartition("/")[0] or None)
        self._check(sizes)

    def _check(self, sizes: Mapping[str, int]) -> None:
        """MLflow keeps no digests; a transfer that was cut shows in the size."""
        for inner in {name.rpartition("/")[0] for name in sizes}:
            there = {item.path: item.file_size for item in self._client.list_artifacts(self._run_id, inner or None)}
            for name, size in sizes.items():
                if name.rpartition("/")[0] == inner and there.get(name, -1) not in (size, None):
                    raise StoreUnreachable(
                        f"Of the artifact {name} {max(there.get(name, 0) or 0, 0)} of {size} bytes arrived.",
                        "It is sent again.",
                    )


@contextlib.contextmanager
def _named(path: Path, name: str) -> Iterator[Path]:
    """Give the file under a name of its own: MLflow takes the name of the file."""
    if path.name == name:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / name
        link.symlink_to(path)
        yield link


def local_folder(uri: str) -> Path | None:
    """Give the folder that an artifact URI means on this machine, None where it means none."""
    parsed = urlparse(uri)
    if parsed.scheme == "file" and parsed.netloc in ("", "localhost"):
        return Path(unquote(parsed.path))
    return Path(uri) if parsed.scheme == "" else None


def _put_file(source: Path, target: Path) -> None:
    """Put a file in place, whole or not at all. Files of an ended run are replaced, never changed: a link is enough."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        try:
            os.link(source, aside)
        except OSError:  # another disk, or a file system without links
            shutil.copy2(source, aside)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
