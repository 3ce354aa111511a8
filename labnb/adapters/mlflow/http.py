"""MLflow's REST client in the publisher: short waits, no repetitions of its own, and the server's words kept.

Left to itself MLflow repeats a failed request seven times over some minutes, and forgets what the answer said. The
publisher has its own patience, per store and kept over restarts.
"""

from __future__ import annotations

import os
from typing import Any

import requests
from mlflow.utils import rest_utils

# Seconds for a connection, and for an answer; for the answer to a file a second more for so many bytes.
CONNECT, ANSWER, FILE_ANSWER, BYTES_A_SECOND = 5.0, 20.0, 60.0, 5_000_000

# MLflow's own settings, where users have not set them. Uploads in pieces, where the server takes them, begin earlier.
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(round(ANSWER)),
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(64 * 1024**2),
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A password may stand in the address that it would print into the log.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class HttpRefusal(Exception):
    """The server answered that it does not do it now, or not for this client."""

    def __init__(self, status: int, text: str, retry_after: float) -> None:
        super().__init__(f"HTTP {status}: {text}" if text else f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


def answer_quickly() -> None:
    """Have MLflow's REST client of this process neither wait long nor repeat; may be called often."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    send = getattr(rest_utils, "_get_http_response_with_retries", None)
    if send is None or getattr(send, "quick", False):  # another version of MLflow: its settings above must do
        return

    def quickly(method: str, url: str, *_: Any, **options: Any) -> Any:
        options["timeout"] = _timeout(options.get("data"), options.get("timeout"))
        options.pop("raise_on_status", None)
        response = send(method, url, 0, 0, 0.0, frozenset(), False, **options)
        if response.status_code in (401, 403, 408, 429) or response.status_code >= 500:
            raise HttpRefusal(response.status_code, _said(response), _seconds(response.headers.get("Retry-After")))
        return response

    setattr(quickly, "quick", True)  # noqa: B010 - a function has no such attribute, says mypy
    setattr(rest_utils, "_get_http_response_with_retries", quickly)  # noqa: B010 - it is not public


def _timeout(data: Any, asked: Any) -> tuple[float, float]:
    answer = min(float(asked), 600.0) if isinstance(asked, (int, float)) else ANSWER
    size = 0
    if hasattr(data, "fileno"):
        size = os.fstat(data.fileno()).st_size
        answer = max(answer, FILE_ANSWER)
    return CONNECT, answer + size / BYTES_A_SECOND


def _said(response: requests.Response) -> str:
    try:
        data = response.json()
        text = str(data.get("message") or data) if isinstance(data, dict) else str(data)
    except ValueError:
        text = response.text
    return " ".join(text.split())[:200] if "<html" not in text.lower() else (response.reason or "")


def _seconds(header: str | None) -> float:
    """Read `Retry-After`; a date is some other clock's, and is passed over."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0
