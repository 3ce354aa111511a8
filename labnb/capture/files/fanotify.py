"""Linux fanotify: news of folders, with the process they are about.

Since Linux 5.13 any user may ask for it on folders of their own choice. The kernel then tells the process id only
for the asking process itself and 0 for all others: just what is needed to tell this kernel's native readers from
somebody else's. The standard library has no call for it, hence ctypes.
"""

from __future__ import annotations

import ctypes
import os
import struct

from labnb.capture.files.events import FILE_EVENTS, FOLDER_EVENTS, OVERFLOW, Event

_INIT = 0x1 | 0x2 | 0xC00  # close on exec, non-blocking, report folder and name
_ADD, _REMOVE, _ONLY_FOLDER = 0x1, 0x2, 0x8
_ON_FOLDERS, _ON_CHILDREN = 0x40000000, 0x08000000
_AT_FDCWD = -100
_HEAD = struct.Struct("=IBBHQii")
_FOLDER_AND_NAME, _FOLDER_ONLY = 2, 3
_BUFFER = 1 << 18


class _Handle(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint), ("kind", ctypes.c_int), ("bytes", ctypes.c_ubyte * 128))


class Fanotify:
    """One fanotify group. Raises OSError where the kernel or the file system does not offer it."""

    name = "fanotify"

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        try:
            self._mark_call = self._libc.fanotify_mark
            self._handle_call = self._libc.name_to_handle_at
            init = self._libc.fanotify_init
        except AttributeError as error:
            raise OSError(38, "this C library has no fanotify") from error
        self._mark_call.argtypes = [ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p]
        self._fd: int = init(_INIT, 0)
        if self._fd < 0:
            raise _error()
        self._folders: dict[bytes, str] = {}
        self._file_systems: dict[int, bytes] = {}

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._fd

    def add_folder(self, folder: str) -> None:
        """Watch what lies directly in a folder. OSError where it cannot be watched."""
        key = self._key(folder)
        self._mark(_ADD | _ONLY_FOLDER, FOLDER_EVENTS | _ON_FOLDERS | _ON_CHILDREN, folder)
        self._folders[key] = folder

    def add_file(self, path: str) -> None:
        """Watch reading and writing through an open descriptor of one file."""
        folder = os.path.dirname(path)
        key = self._key(folder)
        self._mark(_ADD, FILE_EVENTS, path)
        self._folders.setdefault(key, folder)

    def remove_file(self, path: str) -> None:
        """Stop what `add_file` began."""
        self._mark(_REMOVE, FILE_EVENTS, path)

    def answers(self, folder: str) -> bool:
        """Whether news of a folder arrives under the name by which it was added.

        Some file systems accept a watch and then name the folder otherwise.
        """
        self.add_folder(folder)
        os.close(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        try:
            return self._key(folder) in os.read(self._fd, _BUFFER)
        except BlockingIOError:
            return False

    def read(self) -> list[Event]:
        """Give all pending events without waiting."""
        events: list[Event] = []
        while True:
            try:
                data = os.read(self._fd, _BUFFER)
            except BlockingIOError:
                return events
            self._parse(data, events)

    def close(self) -> None:
        """End the group."""
        os.close(self._fd)

    def _parse(self, data: bytes, events: list[Event]) -> None:
        at, end = 0, len(data)
        folders = self._folders
        while at < end:
            size, _, _, head, mask, _, pid = _HEAD.unpack_from(data, at)
            if mask & OVERFLOW:
                events.append(("", "", OVERFLOW, 0))
            elif size > head:
                start = at + head
                kind = data[start]
                if kind in (_FOLDER_AND_NAME, _FOLDER_ONLY):
                    named = start + 20 + int.from_bytes(data[start + 12 : start + 16], "little")
                    folder = folders.get(data[start + 4 : named])
                    if folder is not None and kind == _FOLDER_AND_NAME:
                        name = data[named : data.index(0, named)]
                        if name != b".":
                            events.append((folder, os.fsdecode(name), mask, pid))
            at += size

    def _mark(self, flags: int, mask: int, path: str) -> None:
        if self._mark_call(self._fd, flags, mask, _AT_FDCWD, os.fsencode(path)) != 0:
            raise _error()

    def _key(self, folder: str) -> bytes:
        """Give the bytes by which the kernel will name a folder: file system, kind and handle."""
        handle, mount = _Handle(), ctypes.c_int()
        raw = os.fsencode(folder)
        for flags in (0, 0x200):  # AT_HANDLE_FID: file systems that give a name but cannot open by it
            handle.size = 128
            if self._handle_call(_AT_FDCWD, raw, ctypes.byref(handle), ctypes.byref(mount), flags) == 0:
                break
        else:
            raise _error()
        system = self._file_systems.get(mount.value)
        if system is None:
            system = self._file_systems[mount.value] = struct.pack("=Q", os.statvfs(folder).f_fsid)
        return system + struct.pack("=Ii", handle.size, handle.kind) + bytes(handle.bytes[: handle.size])


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
