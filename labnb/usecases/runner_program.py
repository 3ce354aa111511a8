"""The program that travels with jobs, as one file: the runner, what it shares with labnb, and cloudpickle."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
import sys
import zipfile
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

#: Where the carried modules live in the file: not under labnb's name, which may be installed on the target.
NAME = "labnb_job"
#: What the runner shares with labnb; these files hold to Python 3.9 and the standard library as it does.
SHARED = (
    "adapters/secrets/environ.py",
    "capture/output.py",
    "model/job_request.py",
    "model/output.py",
    "model/plain.py",
    "model/redaction.py",
    "model/values.py",
    "runfolder/active.py",
    "runfolder/checkpoint.py",
    "runfolder/job_paths.py",
    "runfolder/journal.py",
    "runfolder/owner.py",
    "runfolder/paths.py",
)
_MAIN = f"""import sys
if sys.version_info < (3, 9):
    sys.exit("labnb needs Python 3.9 or newer on the target; this is %d.%d (%s)."
             % (sys.version_info[0], sys.version_info[1], sys.executable))
from {NAME}.runner.main import run_as_program
run_as_program(sys.path[0])
"""
# The same content gives the same file, whenever it is made.
_DATE = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class RunnerProgram:
    """A zip file that Python runs; `digest` names its content (sha256 of what it is made from)."""

    digest: str
    files: dict[str, str]

    @cached_property
    def data(self) -> bytes:
        """The file. It also holds the modules compiled by this Python, which one of the same version starts from
        0.1 s sooner; that is the work here, so ask only where the target does not have the file yet."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, text in self.files.items():
                _add(archive, path, text.encode())
                if path != "__main__.py":
                    _add(archive, f"{path}c", _compiled(text, path))
        return buffer.getvalue()


@lru_cache(maxsize=1)
def runner_program() -> RunnerProgram:
    """Give the program; some milliseconds."""
    files = {f"{NAME}/{path}": text.replace("from labnb.", f"from {NAME}.") for path, text in _sources().items()}
    for folder in {str(parent) for path in files for parent in PurePosixPath(path).parents} - {"."}:
        files.setdefault(f"{folder}/__init__.py", "")
    files.update(_cloudpickle())
    files["__main__.py"] = _MAIN
    files = dict(sorted(files.items()))
    parts = (sys.version, *(part for item in files.items() for part in item))
    return RunnerProgram(hashlib.sha256("\0".join(parts).encode()).hexdigest(), files)


def _add(archive: zipfile.ZipFile, path: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(path, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    archive.writestr(entry, data)


def _compiled(text: str, path: str) -> bytes:
    """Give a .pyc that is taken without a look at the source beside it (PEP 552); other Pythons pass over it."""
    code = compile(text, path, "exec", dont_inherit=True)
    unchecked = 0b01
    head = importlib.util.MAGIC_NUMBER + unchecked.to_bytes(4, "little")
    return head + importlib.util.source_hash(text.encode()) + marshal.dumps(code)


def _sources() -> dict[str, str]:
    package = Path(__file__).resolve().parent.parent
    paths = [*(path.relative_to(package).as_posix() for path in (package / "runner").glob("*.py")), *SHARED]
    return {path: (package / path).read_text(encoding="utf-8") for path in paths}


def _cloudpickle() -> dict[str, str]:
    spec = importlib.util.find_spec("cloudpickle")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    return {f"cloudpickle/{path.name}": path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
