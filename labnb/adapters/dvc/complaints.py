"""What remotes complain of, in labnb's errors: told by the classes of the clouds' libraries, without their secrets."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator

from labnb.model.address import without_secrets
from labnb.model.errors import DataStoreError, LabError, StoreRefused, StoreUnreachable
from labnb.model.redaction import MASK

_LOGIN = {
    "s3": "aws configure, or dvc remote modify --local {name} access_key_id … and secret_access_key …",
    "ssh": "ssh-add a key that the host knows, or dvc remote modify --local {name} keyfile …",
}
_NO_LOGIN = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"}
_REFUSED = {
    "PermissionDenied", "HostKeyNotVerifiable", "KeyImportError", "KeyExchangeFailed", "PermissionError",
    "ClientAuthenticationError", "TokenRetrievalError", "UnauthorizedSSOTokenError", "ForbiddenError",
}  # fmt: skip
_REFUSED_CODES = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "403", "401"}
_AWAY = {
    "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "ConnectionLost",
    "ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "TimeoutError", "gaierror",
    "ClientConnectorError", "DisconnectError", "ServerTimeoutError", "ClientConnectorDNSError", "HTTPClientError",
}  # fmt: skip
_AWAY_ERRNO = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.ECONNRESET}
_MISSING_PART = {"RemoteMissingDepsError", "ModuleNotFoundError", "ImportError"}


def explained(error: BaseException, name: str, url: str, secrets: Iterable[str] = ()) -> LabError:
    """Give the error that says what is wrong with a remote, and which setting would be right."""
    kind = url.partition("://")[0].lower() if "://" in url else ""
    text = _masked(error, secrets)
    where = f"Remote {name!r} ({without_secrets(url)})"
    chain = list(_chain(error))
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    login = _LOGIN.get(kind, "dvc remote modify --local {name} …, or the cloud's own settings").format(name=name)
    if names & _MISSING_PART:
        part = f"pip install 'labnb[{kind}]'" if kind in _LOGIN else f"pip install dvc-{kind or 'REMOTE'}"
        return DataStoreError(f"{where} needs a part of DVC that is not installed: {text}", part)
    if names & _NO_LOGIN:
        return StoreRefused(f"{where} wants to know who asks, and there is no login for it: {text}", login)
    if "HostKeyNotVerifiable" in names:
        return StoreRefused(
            f"{where} shows a host key that is not known here: {text}",
            "Log in once with ssh, and compare the key that it shows.",
        )
    if names & _AWAY or any(isinstance(one, OSError) and one.errno in _AWAY_ERRNO for one in chain):
        return StoreUnreachable(f"{where} does not answer: {text}", "Is the address right, and the network there?")
    if names & _REFUSED or any(_code(one) in _REFUSED_CODES for one in chain):
        return StoreRefused(f"{where} refuses: {text}", f"The login may be wrong, or lack a right: {login}.")
    if "FileNotFoundError" in names or any(_code(one) in ("NoSuchBucket", "404") for one in chain):
        return DataStoreError(f"{where} is not there: {text}", "Make the bucket or folder, or correct the address.")
    if any(isinstance(one, OSError) and one.errno == errno.ENOSPC for one in chain):
        return DataStoreError(f"There is no room on the way to or from remote {name!r}: {text}", "Free some room.")
    return DataStoreError(f"{where} fails: {type(error).__name__}: {text}", f"labnb data remote test {name}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _code(error: BaseException) -> str:
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", ""))
    return ""


def _masked(error: BaseException, secrets: Iterable[str]) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, socket.gaierror):
        text = str(error.strerror)
    for secret in sorted(set(secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = without_secrets(text)
    return f"{text[:300].rstrip('.')}."
