"""Look into a version of data, or into what lies in the work tree."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from labnb.model.dataset import Content
from labnb.model.errors import DataStoreError, NotFound, nearest
from labnb.model.preview import Preview, size_text
from labnb.ports.content_reader import ContentReader
from labnb.ports.data_catalog import DataCatalog
from labnb.usecases.data_log import DataLog

LISTED = 50


@dataclass(frozen=True)
class PreviewData:
    """The use case."""

    catalog: DataCatalog
    log: DataLog
    reader: ContentReader

    def preview(self, spec: str, inner: str = "", rows: int = 20) -> Preview:
        """Show NAME[@VERSION], or the file `inner` of a folder; NAME alone is what lies in the work tree.

        Raises NotFound for names that there are not, DataStoreError where the content is not on this machine.
        """
        name, version = self.log.split(spec)
        inner = os.path.normpath(inner) if inner else ""
        content = self.catalog.present(name) if version is None else None
        if content is None:
            found = self.log.find(spec)
            content = self.catalog.content(name, found.version)
            if content is None:
                raise self._elsewhere(name, found.version)
        title = f"{name}@{content.version[:8]}" if content.version != "work tree" else name
        if inner:
            title = f"{title}/{inner}"
        if "" not in content.files and inner not in content.files:
            return self._folder(content, title, inner)
        if inner and "" in content.files:
            raise NotFound(f"{name} is a file; there is no {inner!r} in it.", f"labnb data preview {spec} shows it.")
        place = self._place(content, inner)
        if place is None:
            raise self._elsewhere(name, content.version)
        shown = self.reader.preview(place, os.path.basename(inner or name), rows)
        return Preview(**{**{field: getattr(shown, field) for field in Preview.__slots__}, "name": title})

    def _place(self, content: Content, inner: str) -> Path | None:
        if content.version == "work tree":
            return Path(os.path.normpath(os.path.join(self.log.root, content.dataset, inner)))
        return self.catalog.locate(content.dataset, content.files[inner], inner)

    def _folder(self, content: Content, title: str, inner: str) -> Preview:
        """List the files of a folder, or of one in it."""
        start = f"{inner}/" if inner else ""
        names = sorted(path for path in content.files if path.startswith(start))
        if not names:
            raise NotFound(f"There is no {inner!r} in {content.dataset}.", nearest(inner, content.files))
        sizes = [content.sizes.get(path) for path in names]
        facts: dict[str, object] = {"files": len(names)}
        known = [size for size in sizes if size is not None]
        if len(known) == len(sizes):
            facts["size"] = size_text(sum(known))
        kinds: dict[str, int] = {}
        for path in names:
            end = os.path.splitext(path)[1].lower() or "no ending"
            kinds[end] = kinds.get(end, 0) + 1
        top = sorted(kinds.items(), key=lambda item: -item[1])[:5]
        facts["kinds"] = ", ".join(f"{end} {count:,}" for end, count in top)
        lines = [f"{path}  {size_text(size)}".rstrip() for path, size in zip(names[:LISTED], sizes, strict=False)]
        more = f"{len(names) - LISTED:,} more files; name one to look into it" if len(names) > LISTED else ""
        return Preview(title, "folder", facts, text="\n".join(lines), note=more)

    @staticmethod
    def _elsewhere(name: str, version: str) -> DataStoreError:
        short = version[:8]
        return DataStoreError(
            f"{name}@{short} is not on this machine.", f"labnb data pull {name}@{short} fetches it from the remote."
        )
