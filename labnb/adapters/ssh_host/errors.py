"""What asyncssh and SFTP servers say, in our words."""

from __future__ import annotations

import asyncio
import errno
import socket

import asyncssh

from labnb.model.errors import HostError, HostRefused, HostUnreachable, NotFound


def translate(error: BaseException, address: str) -> HostError:
    """Say why there is no connection to a host."""
    name = address.removeprefix("ssh://")
    if isinstance(error, HostError):
        return error
    if isinstance(error, asyncssh.PermissionDenied):
        return HostRefused(
            f"{address} does not let you in: {error.reason}.",
            f"Try `ssh {name}` in a terminal: labnb takes the same keys, agent and settings, but asks for no "
            "password: a key with a passphrase must be in the agent (ssh-add).",
        )
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return HostRefused(f"{address} cannot prove who it is: {error.reason}.", f"Try `ssh {name}` in a terminal.")
    if isinstance(error, (asyncssh.KeyImportError, asyncssh.KeyEncryptionError)):
        return HostRefused(f"The key for {address} cannot be used: {error}.", "If it has a passphrase: ssh-add.")
    if isinstance(error, (asyncssh.ConfigParseError, ValueError)):
        return HostRefused(f"The SSH settings for {address} cannot be used: {error}.")
    if isinstance(error, (asyncssh.KeyExchangeFailed, asyncssh.ProtocolNotSupported)):
        return HostRefused(f"{address} and this machine have no way of speaking in common: {error}.")
    if isinstance(error, socket.gaierror):
        return HostUnreachable(f"There is no host {name!r}: {error.strerror}.", "Is it in ~/.ssh/config, or misspelt?")
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return HostUnreachable(f"{address} does not answer.", "Is a VPN needed, or is it down?")
    if isinstance(error, ConnectionRefusedError):
        return HostUnreachable(f"{address} takes no connections.", "Is its SSH server running, and the port right?")
    return HostUnreachable(f"The connection to {address} failed: {str(error) or type(error).__name__}.")


def translate_file(error: BaseException, path: str, address: str, room: int | None = None) -> HostError | NotFound:
    """Say why a file cannot be had or written; `room` are the bytes that its disk has left, None where not known.

    SFTP's common version has one code, "failure", for a full disk, a quota and everything else.
    """
    if isinstance(error, (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)):
        return NotFound(f"There is no file {path} on {address}.")
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return HostError(f"You may not use {path} on {address}.", "Set folder of the target to a place of yours.")
    if isinstance(error, asyncssh.SFTPFailure):
        hint = "Make room, or set folder of the target to another disk."
        if room is not None and room < 65536:
            return HostError(f"There is no space left for {path} on {address}.", hint)
        said = error.reason if error.reason.lower() != "failure" else "the server says no more; perhaps a quota"
        return HostError(f"{path} on {address} cannot be used: {said}.", hint)
    if isinstance(error, asyncssh.SFTPError) and not isinstance(
        error, (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
    ):
        return HostError(f"{path} on {address} cannot be used: {error.reason}.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EISDIR):
        return HostError(f"{error.filename or path} on this machine cannot be used: {error.strerror}.")
    if isinstance(error, FileNotFoundError):
        return NotFound(f"There is no file {error.filename} on this machine.")
    return translate(error, address)
