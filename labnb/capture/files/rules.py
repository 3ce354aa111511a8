"""What is a researcher's file, and what belongs to Python, its libraries or the desk around the notebook."""

from __future__ import annotations

import os
import re
import site
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from contextlib import suppress

# Folders that hold no data of the experiment, wherever they lie.
_SKIPPED_NAMES = frozenset({
    ".git", ".hg", ".svn", ".labnb", "node_modules", "site-packages", "dist-packages",
    "__pycache__", ".ipynb_checkpoints", ".virtual_documents", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".hypothesis", ".tox", ".nox", ".eggs", ".idea", ".vscode", ".ipython", ".jupyter", "mlruns", "mlartifacts",
})  # fmt: skip

_METADATA = (".egg-info", ".dist-info")

# Caches below ~/.cache that hold data and models which a cell really depends on.
_DATA_CACHES = ("huggingface", "kagglehub", "tensorflow_datasets", "torch")

# Compiled code; SQLite's companions, which come and go with the database that is itself recorded.
_SKIPPED_ENDS = (".pyc", ".pyo", "-journal", "-wal", "-shm", "mlflow.db")

# Seen only by the file system these are code that a child ran, a notebook that the server saves, or an editor's
# own files: no evidence that the experiment read them as data.
_UNTRUSTED_ENDS = (".py", ".pyi", ".ipynb", ".so", ".pyd", ".dylib", ".swp", ".swx", "~", ".lock", ".dvc")
_UNTRUSTED_STARTS = (".#", ".~", "~$", ".nfs", ".goutputstream-")

_SYSTEM = (
    "/proc", "/sys", "/dev", "/run", "/etc", "/boot", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr/bin",
    "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/share", "/usr/local/bin", "/usr/local/lib",
    "/usr/local/share", "/usr/include", "/var/cache", "/var/lib", "/var/log", "/nix/store", "/snap",
    "/System", "/Library",
)  # fmt: skip


class Rules:
    """Tells files of the experiment from all others. `root` is absolute and free of symbolic links.

    `ignore` names more files and folders to leave out. Answers are kept per folder, so that asking costs a
    dictionary look-up for all but the first file of a folder.
    """

    def __init__(self, root: str, ignore: Iterable[str | os.PathLike[str]] = ()) -> None:
        self.root = root
        self._inside = root if root.endswith("/") else root + "/"
        asked = {os.path.abspath(os.fspath(path)) for path in ignore}
        skipped = {*_SYSTEM, *_python_folders(), *_desk_folders()}
        skipped |= {os.path.realpath(path) for path in skipped}
        # A project may lie below such a folder itself; what the caller asked to leave out stays out.
        kept = {path for path in skipped if not self._inside.startswith(path + "/")}
        self._ignored = frozenset(asked | {os.path.realpath(path) for path in asked})
        self._skipped = tuple(path + "/" for path in kept | self._ignored)
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self._allowed = tuple(f"{cache}/{name}/" for name in _DATA_CACHES)
        self._known: dict[str, bool] = {root: True}
        # Versions that labnb brought for the cell: what the cell opens there counts, not what labnb puts there.
        self._materialised = f"{self._inside}.labnb/cache/data/"
        temp = re.escape(os.path.realpath(tempfile.gettempdir()))
        self._scratch = re.compile(rf"{temp}/(?:ipykernel_|joblib_memmapping|pymp-|matplotlib-|loky-|labnb-)")

    def is_inside(self, path: str) -> bool:
        """Whether an absolute path lies in the project."""
        return path.startswith(self._inside)

    def wants(self, folder: str, name: str) -> bool:
        """Whether a file counts that this process opened by itself."""
        if name.endswith(_SKIPPED_ENDS):
            return False
        wanted = self._known.get(folder)
        if wanted is None:
            wanted = self.wants_folder(folder)
        return wanted and (not self._ignored or f"{folder}/{name}" not in self._ignored)

    def trusts(self, folder: str, name: str) -> bool:
        """Whether a file counts of which only the file system told."""
        if name.endswith(_UNTRUSTED_ENDS) or name.startswith(_UNTRUSTED_STARTS):
            return False
        if folder.startswith(self._materialised):
            return False
        return self.wants(folder, name)

    def wants_folder(self, folder: str) -> bool:
        """Whether files in a folder (absolute, no symbolic links) can count."""
        known = self._known.get(folder)
        if known is None:
            if len(self._known) > 100_000:
                self._known = {self.root: True}
            known = self._known[folder] = self._judge(folder)
        return known

    def watches(self, folder: str) -> bool:
        """Whether a folder is worth a place among the watched ones."""
        if f"{folder}/".startswith(self._materialised):
            return False
        return not self._is_dvc_store(folder) and self.wants_folder(folder)

    def _judge(self, folder: str) -> bool:
        below = folder + "/"
        if below.startswith(self._materialised):
            return True
        if below.startswith(self._skipped) and not below.startswith(self._allowed):
            return False
        parent, _, name = folder.rpartition("/")
        if name in _SKIPPED_NAMES or name.startswith((".Trash", ".ipynb_")) or name.endswith(_METADATA):
            return False
        if self._scratch.match(below):
            return False
        if not name or folder == parent:
            return True
        if _is_environment(folder):
            return False
        return self.wants_folder(parent) if parent else True

    @staticmethod
    def _is_dvc_store(folder: str) -> bool:
        return folder.endswith("/.dvc") or "/.dvc/" in folder


def _is_environment(folder: str) -> bool:
    """Whether a folder is a virtual or conda environment."""
    return os.path.exists(f"{folder}/pyvenv.cfg") or os.path.exists(f"{folder}/conda-meta")


def _python_folders() -> set[str]:
    """Where Python and installed packages lie; labnb itself too."""
    names = ("stdlib", "platstdlib", "purelib", "platlib", "include", "scripts")
    paths = sysconfig.get_paths()
    found = {paths[name] for name in names if name in paths}
    package = os.path.abspath(__file__).replace(os.sep, "/").rpartition("/capture/")[0]
    found |= {os.path.dirname(os.__file__), package}
    # A Python of its own folder is skipped as a whole, not so the system's, which shares /usr with everything.
    found |= {sys.prefix, sys.exec_prefix, sys.base_prefix} - {"/", "/usr", "/usr/local", "/opt"}
    with suppress(AttributeError, OSError):  # an embedded Python without the site module's usual functions
        found.update([*site.getsitepackages(), site.getusersitepackages()])
    return {os.path.abspath(path) for path in found if path}


def _desk_folders() -> set[str]:
    """The user's settings and caches: of Jupyter, IPython, Matplotlib, fonts, drivers."""
    names = (".cache", ".config", ".ipython", ".jupyter", ".matplotlib", ".fontconfig", ".fonts", ".nv", ".conda",
             ".local/lib", ".local/bin", ".local/share/jupyter", ".local/share/fonts",
             ".local/share/Trash", ".triton")  # fmt: skip
    variables = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "MPLCONFIGDIR", "IPYTHONDIR",
                 "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "NUMBA_CACHE_DIR")  # fmt: skip
    home = os.path.expanduser("~")
    found = {f"{home}/{name}" for name in names} if home.startswith("/") and home != "/" else set()
    found |= {os.path.abspath(value) for name in variables if (value := os.environ.get(name))}
    return found - {"/", home}
