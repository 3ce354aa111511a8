"""Tell an address that the job has ended."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

_PATIENCE = 10.0


def notify(address: str, told: dict[str, Any]) -> str:
    """Post to a web address, or mail; give what went wrong, "" where nothing did."""
    try:
        if address.startswith(("https://", "http://")):
            _post(address, told)
        elif "@" in address:
            _mail(address.partition("mailto:")[2] or address, told)
        else:
            return f"{address!r} is neither a web address nor a mail address."
    except Exception as error:  # noqa: BLE001 - the job has ended, told or not
        return f"The end of the job could not be told: {type(error).__name__}: {error}."
    return ""


def _post(address: str, told: dict[str, Any]) -> None:
    import urllib.request

    # "text" is what Slack, Mattermost and their like show.
    data = json.dumps({"text": told["text"], **told}).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - http(s) only
    with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
        answer.read(1000)


def _mail(address: str, told: dict[str, Any]) -> None:
    from email.message import EmailMessage

    if any(char in address for char in "\r\n\0"):
        raise ValueError("an address is one line")
    message = EmailMessage()
    message["To"] = address
    message["From"] = address
    message["Subject"] = " ".join(str(told["text"]).split())
    message.set_content("\n".join(f"{name}: {value}" for name, value in told.items()))
    program = shutil.which("sendmail", path="/usr/sbin:/usr/lib:/usr/bin:/sbin") or shutil.which("sendmail")
    if program is not None:
        subprocess.run([program, "-t", "-i"], input=message.as_bytes(), timeout=_PATIENCE, check=True)
        return
    import smtplib

    with smtplib.SMTP("localhost", timeout=_PATIENCE) as server:
        server.send_message(message)
