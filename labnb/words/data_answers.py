"""What each command of `labnb data` and `%labdata` answers."""

from __future__ import annotations

import dataclasses
import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labnb.model import data_listing
from labnb.model.dataset import DatasetVersion, DataState
from labnb.model.preview import preview_html, preview_text, size_text
from labnb.ports.progress import Progress, silent
from labnb.words.answer import Answer, items

if TYPE_CHECKING:
    from labnb.lab import Lab
    from labnb.model.data_changes import Transferred

_NONE = "There are no datasets yet. labnb data add PATH makes the first one."


def listed(lab: Lab, progress: Progress = silent) -> Answer:
    """The datasets with their state."""
    found = [lab.data.catalog.with_state(dataset, progress) for dataset in lab.data.catalog.datasets()]
    table = data_listing.dataset_rows(found)
    shown, empty = data_listing.table_text(table, _NONE), data_listing.table_html(table, _NONE)
    return Answer(shown, empty, items([dataset.to_json() for dataset in found]))


def status(lab: Lab, progress: Progress = silent) -> Answer:
    """What differs from what is recorded."""
    found = [lab.data.catalog.with_state(dataset, progress) for dataset in lab.data.catalog.datasets()]
    other = [dataset for dataset in found if dataset.state is not DataState.UNCHANGED]
    diffs = {}
    for dataset in other:
        if dataset.state is DataState.CHANGED and dataset.folder:
            diff = lab.data.changes(dataset, progress)
            if diff is not None:
                diffs[dataset.name] = diff
    shown = []
    for dataset in other:
        diff = diffs.get(dataset.name)
        shown.append({**dataset.to_json(), "diff": diff.to_json() if diff is not None else None})
    text = data_listing.status_text(other, diffs) if found else _NONE
    return Answer(text, data=items(shown))


def log(lab: Lab, name: str) -> Answer:
    """The versions of a dataset."""
    found = lab.data.log.log(name)
    table, empty = data_listing.version_rows(found), f"{name} has no version yet. labnb data add {name} makes one."
    shown = items([version.to_json() for version in found])
    return Answer(data_listing.table_text(table, empty), data_listing.table_html(table, empty), shown)


def diff(lab: Lab, before: str, after: str | None, progress: Progress = silent) -> Answer:
    """What differs between two versions."""
    found = lab.data.compare.compare(before, after, progress)
    return Answer(data_listing.diff_text(found), data={"schema": 1, **found.to_json()})


def preview(lab: Lab, name: str, path: str, rows: int) -> Answer:
    """A look into a version."""
    found = lab.data.look.preview(name, path, max(1, min(rows, 1_000)))
    return Answer(preview_text(found), preview_html(found), found.to_json())


def lineage(lab: Lab, name: str) -> Answer:
    """Where a version comes from, and what became of it."""
    found = lab.data.trace.trace(name)
    text = data_listing.lineage_text(found)
    return Answer(text, f"<pre>{html.escape(text)}</pre>", found.to_json())


def add(lab: Lab, paths: Sequence[Path], message: str, tags: Sequence[str], progress: Progress = silent) -> Answer:
    """Make versions."""
    lines, found = [], []
    for path in paths:
        done = lab.data.add(path, message=message, tags=tags, progress=progress)
        version = done.version
        facts = f"{size_text(version.size)}, {_files(version.files)}"
        word = "is a new version" if done.new else "was there already"
        lines.append(f"{version.dataset}@{version.version[:8]} ({facts}) {word}.")
        lines.extend(f"({note})" for note in done.notes)
        found.append(dataclasses.asdict(done))
    written = [os.path.relpath(path) for item in found for path in item["written"]]
    if written and lab.data.in_git:
        lines.append(f"To commit it: git add {' '.join(dict.fromkeys(written))}")
    return Answer("\n".join(lines), data=items(found))


def checkout(lab: Lab, name: str, to: str | None, *, force: bool = False, progress: Progress = silent) -> Answer:
    """Bring a version back."""
    entry = lab.data.log.find(name)
    version = DatasetVersion(entry.dataset, entry.version)
    target = Path(to).expanduser().absolute() if to else None
    done = lab.data.writer.checkout(version, target, force=force, remote=lab.data.remote, progress=progress)
    fetched = f", {done.fetched:,} fetched" if done.fetched else ""
    shown = os.path.relpath(done.path)
    facts = f"{_files(done.files)}, {size_text(done.size)}{fetched}"
    lines = [f"{entry.dataset}@{entry.version[:8]} lies in {shown} ({facts})."]
    if done.undo:
        lines.append(f"What it replaced and no version holds was kept in {done.undo}.")
    if done.note:
        lines.append(f"({done.note})")
    return Answer("\n".join(lines), data={"schema": 1, **dataclasses.asdict(done), "version": entry.version})


def push(lab: Lab, names: Sequence[str], remote: str, *, whole: bool = False, progress: Progress = silent) -> Answer:
    """Copy versions to a remote."""
    versions = lab.data.versions(names, whole=whole)
    done = lab.data.writer.push(versions, remote or lab.data.remote, progress)
    return Answer(_moved(done, "sent to"), data={"schema": 1, **dataclasses.asdict(done)})


def pull(lab: Lab, names: Sequence[str], remote: str, *, whole: bool = False, progress: Progress = silent) -> Answer:
    """Fetch versions, and bring back what is missing in the work tree."""
    versions = lab.data.versions(names, whole=whole)
    done = lab.data.writer.pull(versions, remote or lab.data.remote, progress)
    lines, back = [_moved(done, "fetched from")], []
    for version in lab.data.absent(versions):
        lab.data.writer.checkout(version, progress=progress)
        back.append(version.dataset)
    if back:
        lines.append(f"In the work tree again: {', '.join(back[:10])}{' …' if len(back) > 10 else ''}.")
    return Answer("\n".join(lines), data={"schema": 1, **dataclasses.asdict(done), "restored": back})


def remotes(lab: Lab) -> Answer:
    """The remotes of the project."""
    found = lab.data.writer.remotes()
    rows = [[item.name + (" *" if item.default else ""), item.url, item.level] for item in found]
    table, empty = (
        (["remote", "address", "set in"], rows),
        "There is no remote. labnb data remote add NAME URL adds one.",
    )
    shown = items([dataclasses.asdict(item) for item in found])
    return Answer(data_listing.table_text(table, empty), data_listing.table_html(table, empty), shown)


def remote_add(lab: Lab, name: str, url: str, *, default: bool) -> Answer:
    """Write a remote into the settings."""
    done = lab.data.writer.add_remote(name, url, default=default)
    word = ", the default," if done.default else ""
    text = f"The remote {done.name}{word} is {done.url}. labnb data remote test {done.name} tries it."
    return Answer(text, data={"schema": 1, **dataclasses.asdict(done)})


def remote_test(lab: Lab, name: str) -> Answer:
    """Try a remote."""
    done = lab.data.writer.test_remote(name)
    words = {True: "yes", False: "no", None: "not tried"}
    parts = (("reachable", done.reachable), ("can read", done.can_read), ("can write", done.can_write))
    lines = [f"{done.name} ({done.url})", *(f"  {what}: {words[told]}" for what, told in parts)]
    lines.extend(f"  {said}" for said in (done.problem, done.hint) if said)
    code = 0 if done.ok else (1 if done.reachable else 3)
    return Answer("\n".join(lines), data={"schema": 1, **dataclasses.asdict(done), "ok": done.ok}, code=code)


def gc(lab: Lab, *, dry: bool, progress: Progress = silent) -> Answer:
    """Free what nothing uses."""
    done = lab.data.gc(dry=dry, progress=progress)
    what = f"{done.objects:,} objects, {size_text(done.size)}"
    text = f"Nothing uses {what}. --yes frees them." if dry else f"Freed {what}."
    if not done.objects:
        text = "There is nothing to free."
    text += f" {done.kept:,} are in use" + (f", {done.young:,} too young to take." if done.young else ".")
    return Answer(text, data={"schema": 1, **dataclasses.asdict(done)})


def _moved(done: Transferred, word: str) -> str:
    there = f", {done.already:,} were there already" if done.already else ""
    return f"{done.objects:,} objects ({size_text(done.size)}) {word} {done.remote}{there}."


def _files(count: int | None) -> str:
    return "" if count is None else f"{count:,} file{'' if count == 1 else 's'}"
