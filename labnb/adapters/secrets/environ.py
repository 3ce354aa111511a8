"""Secrets that this process was given in environment variables: their values are looked for anywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

SHORTEST = 8

_SECRET_NAME = re.compile(
    r"TOKEN(?!IZER|S(?:_|$))|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|(?:^|_)KEY(?:_|\d|$)|[A-Z]KEY$|(?:^|_)PASS$"
)
# Settings that are called keys without being secret.
_NOT_SECRET = re.compile(
    r"PUBLIC|(?:^|_)GPG_KEY$|KEY_?ID$|(?:KEY|TOKEN|SECRET)_(?:FILE|PATH|NAME|TYPE|DIR|URL|ENV)$|MONKEY$"
)


_last: dict[str, Any] = {}


def secret_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables whose names look secret and whose values could be, by name."""
    # A record asks for each of its texts. CPython keeps the variables in a dict, which is compared in no time.
    data = getattr(environ, "_data", None) if environ is os.environ else None
    if data is None:
        return _secret(environ)
    if _last.get("data") != data:
        _last.update(data=dict(data), found=_secret(environ))
    found: dict[str, str] = _last["found"]
    return found


def _secret(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if len(value.strip()) >= SHORTEST
        and _SECRET_NAME.search(name.upper())
        and not _NOT_SECRET.search(name.upper())
        and not _is_path(value)
    }


def environment_values(text: str, variables: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    """Find every place where the value of a secret variable stands: (kind, position, value)."""
    for name, value in variables.items():
        # In a notebook's JSON or a repr the value may be written with escapes.
        for form in {value.strip(), value.strip().replace("\\", "\\\\").replace('"', '\\"')}:
            at = text.find(form)
            while at >= 0:
                yield f"value of ${name}", at, form
                at = text.find(form, at + len(form))


def _is_path(value: str) -> bool:
    """Whether a value is a path: one may begin with a slash and still be a key."""
    if value.startswith(("./", "../", "~")) or re.match(r"[A-Za-z]:\\", value):
        return True
    return value.startswith("/") and os.path.exists("/" + value.split("/")[1])
