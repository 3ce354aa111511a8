"""What jobs left behind in one place, a host and a folder of jobs on it: listed, and taken away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from labnb.model.errors import HostError
from labnb.ports.host import Host

#: Seconds that du and find may take over what has piled up.
_PATIENCE = 600.0
# Fixed scripts: what is told to them stands in their words and their input. Sizes are bytes, times seconds.
_LIST = """\
# A running job renews its state in the folder "job" every few seconds: the folder's time is its sign of life.
store=$1 environments=$2
find / -maxdepth 0 -printf "" 2>/dev/null || { echo "its find is not GNU's" >&2; exit 9; }
for name in objects data trees; do
  find "$store/$name" -maxdepth 1 -type f -printf "$name %s %T@ %p\\n"
done
find "$store/wheels" -mindepth 2 -maxdepth 2 -type f -printf "wheels %s %T@ %p\\n"
find "$store" -maxdepth 1 -type f -name "runner-*.pyz" -printf "runners %s %T@ %p\\n"
find "$store" -mindepth 2 -maxdepth 2 -type d -name job -printf "sign 0 %T@ %p\\n"
for place in "$environments"/*/; do
  place=${place%/} mark=${place%/}/.whole
  [ -e "$place/pyvenv.cfg" ] || continue
  [ -e "$mark" ] || mark=$place
  echo "environments $(du -sk "$place" | cut -f 1)000 $(stat -c %Y "$mark") $place"
done
while read -r word began path; do
  case $word in
    kept) find "$path/job/work" -type l -printf "link 0 0 %l\\n";;
    work) find "$path/job/work" ! -type d ! -newermt "@$began" -printf "%s\\n" \\
      | awk -v p="$path" '{ n++; s += $1 } END { if (n) printf "work %.0f 0 %s\\n", s, p }';;
    folder) [ -d "$path" ] && echo "folder $(du -sk "$path" | cut -f 1)000 0 $path";;
  esac
done
exit 0
"""
# What is to go is moved aside first and looked at again: a job that begins just now has made it fresh.
_REMOVE = """\
store=$1 environments=$2 minutes=$3
while IFS= read -r path; do
  case $path in "$store"/*|"$environments"/*) ;; *) continue;; esac
  case $path in */../*) continue;; esac
  mv -T "$path" "$path.gone" || continue
  mark=$path.gone
  [ -e "$mark/.whole" ] && mark=$mark/.whole
  if [ -n "$(find "$mark" -maxdepth 0 -mmin "+$minutes")" ]; then
    rm -rf "$path.gone" && printf "%s\\n" "$path"
  else
    mv -nT "$path.gone" "$path"
  fi
done
exit 0
"""
_REMOVE_FOLDER = 'case $2 in "$1"/*) rm -rf "$2";; *) exit 1;; esac'
# Keeps what was written since the cell began, and the paths that are told; with them the folders that hold them.
_STRIP = """\
cd "$1/job/work" || exit 0
list=$(mktemp) || exit 1
cat > "$list"
find . ! -type d ! -newermt "@$2" -print0 | grep -zvxFf "$list" | xargs -0r rm -f
rm -f "$list"
find . -mindepth 1 -depth -type d -empty -delete
"""


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that was found: its kind, its bytes, when it was used last (seconds since the epoch), its path."""

    kind: str
    size: int
    used: float
    path: str


@dataclass
class Place:
    """A folder of jobs on a host; `environments` is beside it.

    `work` and `folders` are job folders: those whose work trees are no longer needed (with the time at which their
    cells began), and those that may go as a whole. `outputs` are paths in a work tree that stay.
    """

    name: str
    host: Host
    store: str
    environments: str
    work: dict[str, float] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    outputs: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def list(self, used: Iterable[str]) -> list[Left]:
        """List what is there, in one question, and what the job folders `used` link to. Raises what the host raises."""
        lines = [f"kept 0 {path}" for path in used]
        lines += [f"work {began:.3f} {path}" for path, began in self.work.items()]
        lines += [f"folder 0 {path}" for path in self.folders]
        text = "".join(f"{line}\n" for line in lines)
        done = self.host.run(
            ["sh", "-c", _LIST, "sh", self.store, self.environments], stdin=text.encode(), timeout=_PATIENCE
        )
        if done.code:
            raise HostError(f"What jobs left on {self.name} cannot be listed: {_said(done.err)}.")
        found = []
        for line in done.out.decode(errors="surrogateescape").splitlines():
            words = line.split(" ", 3)
            if len(words) == 4 and words[1].isdigit():
                found.append(Left(words[0], int(words[1]), float(words[2]), words[3]))
        return found

    def remove(self, paths: Iterable[str], rest: float) -> set[str]:
        """Take away what was not used for `rest` seconds; give what is gone."""
        text = "".join(f"{path}\n" for path in paths).encode(errors="surrogateescape")
        words = ["sh", "-c", _REMOVE, "sh", self.store, self.environments, str(int(rest / 60))]
        done = self.host.run(words, stdin=text, timeout=_PATIENCE)
        return set(done.out.decode(errors="surrogateescape").splitlines())

    def remove_folder(self, path: str) -> bool:
        """Take away the whole folder of a job."""
        return self.host.run(["sh", "-c", _REMOVE_FOLDER, "sh", self.store, path], timeout=_PATIENCE).code == 0

    def strip(self, path: str, outputs: Iterable[str]) -> bool:
        """Take away the work tree of a job but for what its cell wrote; `outputs` are paths in the work tree."""
        keep = "".join(f"./{name}\n" for name in outputs).encode(errors="surrogateescape")
        words = ["sh", "-c", _STRIP, "sh", path, f"{self.work[path]:.3f}"]
        return self.host.run(words, stdin=keep, timeout=_PATIENCE).code == 0


def _said(text: bytes) -> str:
    return text.decode(errors="replace").strip()[-300:] or "it does not say why"
