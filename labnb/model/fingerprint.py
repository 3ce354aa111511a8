"""The fingerprint of a run: equal for runs that ask the same question.

It sees what decides the result (normalised code slice, params, data, versions of the imported packages)
and is blind to comments, formatting, paths and names of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labnb.model.dataset import FileUse
from labnb.model.plain import digest_of


def fingerprint(
    normalised_code: str,
    params: Mapping[str, object],
    inputs: Iterable[FileUse],
    loaded: Mapping[str, str],
) -> str:
    """Digest what decides the result: "sha256:…"."""
    return digest_of(
        {
            "code": normalised_code,
            "params": {name: repr(value) for name, value in params.items()},
            "data": sorted(use.digest or "unknown" for use in inputs),
            "packages": dict(loaded),
        }
    )
