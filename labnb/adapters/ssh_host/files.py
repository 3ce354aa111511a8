"""Files over SFTP: each written aside and renamed, for its owner alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import posixpath
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import asyncssh

from labnb.adapters.ssh_host.connection import Connection
from labnb.adapters.ssh_host.errors import translate_file
from labnb.model.errors import NotFound

_AT_ONCE = 16
_BLOCK = 1 << 20
_OWN_FOLDER = asyncssh.SFTPAttrs(permissions=0o700)
_OWN_FILE = asyncssh.SFTPAttrs(permissions=0o600)
_TROUBLE = (asyncssh.Error, OSError)


async def put(connection: Connection, files: Mapping[str, Path | bytes]) -> None:
    """Write files whole."""
    sftp = await _session(connection)
    paths = {await absolute(connection, name): content for name, content in files.items()}
    for folder in sorted({posixpath.dirname(path) for path in paths}):
        try:
            await sftp.makedirs(folder, _OWN_FOLDER, exist_ok=True)
        except _TROUBLE as error:
            raise await _explained(error, folder, connection, sftp) from error
    turn = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_put_one(connection, sftp, turn, path, content) for path, content in paths.items()))


async def get(connection: Connection, paths: Mapping[str, Path]) -> None:
    """Fetch files whole; a missing one is told after the others are there."""
    sftp = await _session(connection)
    turn = asyncio.Semaphore(_AT_ONCE)
    done = await asyncio.gather(
        *(_get_one(connection, sftp, turn, name, target) for name, target in paths.items()), return_exceptions=True
    )
    failed = [error for error in done if error is not None]
    failed.sort(key=lambda error: isinstance(error, NotFound))
    if failed:
        raise failed[0]


async def read(connection: Connection, name: str, offset: int, limit: int) -> bytes:
    """Read a part of a file."""
    sftp = await _session(connection)
    path = await absolute(connection, name)
    try:
        async with sftp.open(path, "rb") as file:
            return bytes(await file.read(limit, offset))  # type: ignore[arg-type]
    except _TROUBLE as error:
        raise translate_file(error, path, connection.address) from error


async def absolute(connection: Connection, path: str) -> str:
    """Give a path without "~/"."""
    return posixpath.join(await connection.home(), path[2:]) if path.startswith("~/") else path


async def _put_one(
    connection: Connection, sftp: asyncssh.SFTPClient, turn: asyncio.Semaphore, path: str, content: Path | bytes
) -> None:
    folder, name = posixpath.split(path)
    aside = posixpath.join(folder, f".{name[:200]}.{secrets.token_hex(6)}")
    async with turn:
        try:
            async with sftp.open(aside, "xb", _OWN_FILE) as file:
                if isinstance(content, bytes):
                    await file.write(content)
                else:
                    with await asyncio.to_thread(open, content, "rb") as source:
                        while block := await asyncio.to_thread(source.read, 8 * _BLOCK):
                            await file.write(block)
            await sftp.posix_rename(aside, path)
        except _TROUBLE as error:
            explained = await _explained(error, path, connection, sftp)
            with contextlib.suppress(*_TROUBLE):
                await sftp.remove(aside)
            raise explained from error


async def _get_one(
    connection: Connection, sftp: asyncssh.SFTPClient, turn: asyncio.Semaphore, name: str, target: Path
) -> None:
    path = await absolute(connection, name)
    aside = target.with_name(f".{target.name[:200]}.{secrets.token_hex(6)}")
    async with turn:
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            async with sftp.open(path, "rb") as file:
                with await asyncio.to_thread(_own, aside) as written:
                    while block := await file.read(8 * _BLOCK):
                        await asyncio.to_thread(written.write, block)  # type: ignore[arg-type]
            os.replace(aside, target)
        except _TROUBLE as error:
            aside.unlink(missing_ok=True)
            raise translate_file(error, path, connection.address) from error


def _own(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


async def _session(connection: Connection) -> asyncssh.SFTPClient:
    await connection.get()
    try:
        return await connection.files()
    except _TROUBLE as error:
        raise translate_file(error, "SFTP", connection.address) from error


async def _explained(error: BaseException, path: str, connection: Connection, sftp: asyncssh.SFTPClient) -> Exception:
    """Find out why a file could not be written: the server hardly says."""
    room = None
    if isinstance(error, asyncssh.SFTPFailure):
        place = path
        while place not in ("/", ""):
            try:
                found = await sftp.statvfs(place)
                room = (found.bavail or 0) * (found.frsize or found.bsize or 0)
                break
            except _TROUBLE:
                place = posixpath.dirname(place)
    return translate_file(error, path, connection.address, room)
