"""The child that looks into one file: `preview PATH NAME ROWS` or `summary PATH NAME 0`, answered in JSON."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence

from labnb.adapters.tables import arrays, media, tables, texts
from labnb.model.preview import Preview, size_text

MEMORY = 4 << 30
PROCESSOR_SECONDS = 100

_TABLES = (".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".jsonl", ".ndjson")
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ico", ".ppm", ".pgm")
_ARRAYS = (".npy", ".npz", ".h5", ".hdf5", ".hdf", ".nc")
_SOUNDS = (".wav", ".flac", ".ogg", ".aiff", ".aif")
# Reading these runs what is written in them.
_PROGRAMS = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".rds", ".rda", ".mat")


def main(words: Sequence[str]) -> int:
    """Look into the file and write what was seen."""
    what, path, name, rows = words[0], words[1], words[2], int(words[3])
    _limit()
    try:
        answer = _preview(path, name, rows).to_json() if what == "preview" else _summary(path, name)
    except MemoryError:
        print("it needs too much memory", file=sys.stderr)
        return 1
    except ImportError as error:
        print(f"pip install {error.name or 'pandas'} to look into it", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - any decoder may raise anything over a damaged file
        print(" ".join(f"{type(error).__name__}: {error}".split())[:300], file=sys.stderr)
        return 1
    sys.stdout.write(json.dumps(answer))
    return 0


def _preview(path: str, name: str, rows: int) -> Preview:
    end = os.path.splitext(name)[1].lower()
    size = {"size": size_text(os.path.getsize(path))}
    if end in _PROGRAMS:
        return Preview(name, "other", size, note="not opened: reading this format can run what is written in it")
    kinds: list[tuple[Sequence[str], Callable[[str, str, int], Preview]]] = [
        (_TABLES, tables.head),
        (_IMAGES, media.image),
        (_ARRAYS, arrays.array),
        (_SOUNDS, media.sound),
    ]
    look = next((look for ends, look in kinds if end in ends), texts.text)
    try:
        shown = look(path, name, rows)
    except ImportError as error:
        return Preview(name, "other", size, note=f"pip install {error.name} to look into it")
    except MemoryError:
        return Preview(name, "other", size, note="looking into it needs too much memory")
    except Exception as error:  # noqa: BLE001 - any decoder may raise anything over a damaged file
        told = " ".join(f"{type(error).__name__}: {error}".replace(path, name).split())[:200]
        return Preview(name, "other", size, note=f"not readable as {end}: {told}")
    return Preview(
        **{**{field: getattr(shown, field) for field in Preview.__slots__}, "facts": {**shown.facts, **size}}
    )


def _summary(path: str, name: str) -> dict[str, object] | None:
    found = tables.summary(path, name)
    return found.to_json() if found is not None else None


def _limit() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        for what, most in (
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            _, hard = resource.getrlimit(what)
            if hard == resource.RLIM_INFINITY or hard > most:
                resource.setrlimit(what, (most, hard))
