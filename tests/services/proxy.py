"""A bad network, as a TCP proxy: it slows, refuses, half-closes, cuts, and answers for the server.

A request here is what comes on a connection until the server has answered; the proxy asks for no second one on it.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

from tests.services.mlflow_server import free_port


@dataclass
class Fault:
    """What happens to requests whose first line matches `request`: to the next `times` of them (-1: to all).

    `kind` is "answer" (with `status`, `headers`), "cut" (after `after` bytes of the request's body were passed on),
    "half-close" (likewise, but the answer is still passed), "lose answer" (the server does it all, the client hears
    nothing), "slow" (`seconds` before the answer), "silent" (nothing at all for `seconds`), "refuse" (reset at once).
    """

    kind: str
    request: str = ""
    times: int = 1
    status: int = 500
    headers: str = ""
    after: int = 0
    seconds: float = 0.0


@dataclass
class Proxy:
    """Listens on `port`, passes to `target`; `requests` holds the first lines of what came."""

    target: int
    port: int = field(default_factory=free_port)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._listener.close()

    def fault(self, kind: str, request: str = "", **options: object) -> Fault:
        found = Fault(kind, request, **options)  # type: ignore[arg-type]
        self.faults.append(found)
        return found

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(60)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            line = head.split(b"\r\n", 1)[0].decode("latin-1")
            self.requests.append(line)
            self._one(client, head, self._fault_for(line))

    def _fault_for(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.times != 0 and re.search(fault.request, line):
                fault.times -= 1
                return fault
        return None

    def _one(self, client: socket.socket, head: bytes, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if fault and kind == "refuse":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            return
        if fault and kind == "silent":
            time.sleep(fault.seconds)
            return
        if fault and kind == "answer":
            self._drain(client, head)
            body = b"<html>the proxy is not well</html>"
            more = f"{fault.headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            client.sendall(f"HTTP/1.1 {fault.status} X\r\n{more}".encode() + body)
            return
        with socket.create_connection(("127.0.0.1", self.target), timeout=60) as server:
            size = _size(head)
            head = re.sub(rb"\r\nConnection: [^\r]*", b"", head, flags=re.IGNORECASE)
            head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
            limit = fault.after if fault and kind in ("cut", "half-close") else None
            if not self._pass_on(client, server, head, size, limit):
                if kind == "half-close":
                    server.shutdown(socket.SHUT_WR)
                    self._answer(server, client)
                return
            if fault and kind == "slow":
                time.sleep(fault.seconds)
            self._answer(server, None if kind == "lose answer" else client)

    def _pass_on(self, client: socket.socket, server: socket.socket, head: bytes, size: int, limit: int | None) -> bool:
        """Pass a request on; False where `limit` bytes of its body were passed and it ended there."""
        start = head.index(b"\r\n\r\n") + 4
        server.sendall(head[:start])
        body, passed = head[start:], 0
        while True:
            if limit is not None and passed + len(body) >= limit:
                server.sendall(body[: limit - passed])
                return False
            server.sendall(body)
            passed += len(body)
            if passed >= size:
                return True
            body = client.recv(65536)
            if not body:
                return True

    def _drain(self, client: socket.socket, head: bytes) -> None:
        left = _size(head) - (len(head) - head.index(b"\r\n\r\n") - 4)
        while left > 0:
            piece = client.recv(65536)
            if not piece:
                return
            left -= len(piece)

    def _answer(self, server: socket.socket, client: socket.socket | None) -> None:
        while piece := server.recv(65536):
            if client is not None:
                client.sendall(piece)


def _size(head: bytes) -> int:
    found = re.search(rb"\r\nContent-Length: *(\d+)", head, flags=re.IGNORECASE)
    return int(found.group(1)) if found else 0
