"""Addresses of stores: written without the secrets that may stand in them, and meaning the same from any folder."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

_WEB_LOGIN = re.compile(r"(?<=://)[^/\s?#]*@")
_PASSWORD = re.compile(r"(?<=://)([^/\s:@?#]*):[^/\s?#]*@")
_SECRET_WORD = re.compile(r"([?&;][^=&;\s]*(?:passw|pwd|secret|token|key)[^=&;\s]*)=[^&;\s'\"]*", re.IGNORECASE)
_WEB = re.compile(r"https?://\S*", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*:", re.IGNORECASE)


def without_secrets(text: str) -> str:
    """Give an address, or a text that holds some, without passwords, tokens and the names that go with them.

    >>> without_secrets("https://ann:secret@lab.example/mlflow")
    'https://lab.example/mlflow'
    >>> without_secrets("postgresql://ann:secret@db.example/mlflow?sslpassword=x")
    'postgresql://ann@db.example/mlflow?sslpassword='
    """
    text = _WEB.sub(lambda found: _WEB_LOGIN.sub("", found.group()), text)
    return _SECRET_WORD.sub(r"\1=", _PASSWORD.sub(r"\1@", text))


def absolute(uri: str, folder: str) -> str:
    """Give a store's address so that it does not depend on the working directory any more.

    >>> absolute("sqlite:///mlflow.db", "/home/ann")
    'sqlite:////home/ann/mlflow.db'
    >>> absolute("mlruns", "/home/ann")
    'file:///home/ann/mlruns'
    >>> absolute("http://lab:5000/", "/home/ann")
    'http://lab:5000'
    """
    uri = uri.strip()
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        return f"sqlite:///{os.path.join(folder, uri.removeprefix('sqlite:///'))}"
    if _SCHEME.match(uri) or "://" in uri or uri in ("", "databricks", "databricks-uc", "uc"):
        return uri.rstrip("/") if uri.lower().startswith("http") else uri
    return f"file://{quote(os.path.normpath(os.path.join(folder, uri)))}"
