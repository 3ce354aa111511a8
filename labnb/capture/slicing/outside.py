"""The world outside of the code: random generators, files, code that cannot be seen."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable

from labnb.capture.slicing import kinds
from labnb.capture.slicing.machine import Machine
from labnb.capture.slicing.state import NOTHING

#: The names that IPython gives to displayed values.
OUTPUT = re.compile(r"_|__|___|_\d+|Out")
GENERATORS = ("random", "numpy", "torch")


class Outside(Machine):
    """What a statement does to the world outside, and takes from it."""

    def draw(self, generators: Iterable[str]) -> None:
        """Note that this statement may have moved global random generators."""
        for name in generators:
            self.drawn.add(name)
            self.write((self.named_region(f"rng:{name}"),))

    def seed(self, generators: Iterable[str]) -> None:
        """Note that this statement set global random generators to a known state."""
        me = frozenset((self.number,))
        for name in generators:
            self.seeded.add(name)
            rid = self.named_region(f"rng:{name}")
            if self.maybe or self.weak:
                self.write((rid,))
                self.state.seeds[name] = self.state.seeds.get(name, NOTHING) | me
            else:
                self.state.heap[rid] = self.state.heap[rid]._replace(writers=me)
                self.state.seeds[name] = me

    def files(self, path: str | None, read: bool = True, write: bool = False, whole: bool = False) -> int:
        """Note that a file was read or written; give its region.

        Args:
            path: None where it is not known; NUL characters stand for unknown parts.
            read: whether the content mattered.
            write: whether the file was changed.
            whole: whether all that was in the file before is gone.
        """
        state = self.state
        name = "\0" if path is None or state.moved else os.path.normpath(path)
        if name not in state.files:
            state.files[name] = state.region(f"file:{name}", kinds.DISK)
        own = state.files[name]
        certain = whole and not self.maybe and not self.weak and "\0" not in name
        for other, rid in state.files.items():
            if (read or write) and (other != name or not certain) and _overlap(name, other):
                self.needs |= state.heap[rid].writers
        if write:
            if not certain:
                self.needs |= state.heap[own].writers
            state.heap[own] = state.heap[own]._replace(writers=frozenset((self.number,)))
        elif own not in state.heap:
            state.region(f"file:{name}", kinds.DISK)
        return own

    def world(self) -> None:
        """Run code that cannot be seen: it may read and change anything; what it bound is told at run time."""
        for name, binding in self.state.env.items():
            if OUTPUT.fullmatch(name):
                continue  # the names of displayed values are read by nobody who does not write them down
            self.needs |= binding.definitions
            self.reads.add(name)
            self.change(binding.value)
        self.files(None, write=True)
        self.draw(self.randomness)
        self.binds_unseen = True


def _overlap(left: str, right: str) -> bool:
    if left == right or left == "\0" or right == "\0":
        return True
    if "\0" in left or "\0" in right:
        ends = [
            os.path.splitext(p.rsplit("\0", 1)[-1])[1] if "." in p.rsplit("\0", 1)[-1] else "" for p in (left, right)
        ]
        return not (ends[0] and ends[1] and ends[0] != ends[1])
    a, b = left.strip("./").split("/"), right.strip("./").split("/")
    if os.path.isabs(left) != os.path.isabs(right):
        return a[-1] == b[-1] or len(a) < 2 or len(b) < 2 or bool(set(a) & set(b))
    short = min(len(a), len(b))
    return a[:short] == b[:short]
