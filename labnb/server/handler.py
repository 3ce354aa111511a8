"""The one handler: it reads a question, has it answered in the pool, and shows the answer or the problem."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated

from labnb.model.errors import LabError, TooLarge, UsageError
from labnb.server.answers import body_of, text_of
from labnb.server.operation import Ask, Download, Operation
from labnb.server.problems import problem_of, problem_of_status
from labnb.server.ranges import Piece, piece_of
from labnb.server.resource import AUTH_RESOURCE
from labnb.server.words import read_body, read_query

if TYPE_CHECKING:
    from labnb.server.desk import Desk

#: What is read of a request's body, in bytes.
LONGEST_BODY = 1_000_000
CHUNK = 262_144


class LabHandler(APIHandler):
    """Answers one path of the map; its subclasses are made of the operations there."""

    auth_resource = AUTH_RESOURCE
    operations: dict[str, Operation] = {}  # noqa: RUF012 - of each subclass, never changed

    @property
    def desk(self) -> Desk:
        return cast("Desk", self.settings["labnb_desk"])

    async def answer(self, verb: str, ids: tuple[str, ...]) -> None:
        """Answer with what the operation gives; raises LabError, which `write_error` shows."""
        operation = self.operations[verb]
        body = self._body(operation)
        query = read_query(operation.query, self.request.query_arguments)
        path = operation.ids(ids)
        user = getattr(self.current_user, "username", "") or ""
        project = self.get_query_argument("project", "")
        compress = "gzip" in self.request.headers.get("Accept-Encoding", "")

        def work() -> Any:
            shelf = self.desk.shelf(project)
            answer = operation.call(Ask(self.desk, shelf, path, query, body, user))
            return answer if isinstance(answer, Download) else body_of(answer, compress)

        answer = await self.desk.run(work)
        self.set_status(operation.status)
        if isinstance(answer, Download):
            await self._send(answer)
            return
        data, compressed = answer
        self.set_header("Content-Type", "application/json")
        self.set_header("Vary", "Accept-Encoding")
        if compressed:
            self.set_header("Content-Encoding", "gzip")
        await self.finish(data)

    def _body(self, operation: Operation) -> Any:
        if operation.body is None:
            return None
        if len(self.request.body) > LONGEST_BODY:
            raise TooLarge(f"The body has {len(self.request.body)} bytes; at most {LONGEST_BODY} are read.")
        try:
            given = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"The body is no JSON: {str(error)[:200]}.") from None
        return read_body(operation.body, given)

    async def _send(self, download: Download) -> None:
        """Send a file in pieces, as something to keep and never to run."""
        try:
            piece = await self.desk.run(lambda: piece_of(download.path, self.request.headers.get("Range")))
        except OSError as error:
            raise HTTPError(404, "%s is gone: %s", download.name, error.strerror) from None
        with piece:
            self.set_status(piece.status)
            self.set_header("Content-Type", download.type)
            self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(download.name, safe='')}")
            self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
            self.set_header("X-Content-Type-Options", "nosniff")
            self.set_header("Accept-Ranges", "bytes")
            self.set_header("Cache-Control", "no-store")
            if piece.status == 416:
                self.set_header("Content-Range", f"bytes */{piece.size}")
                await self.finish()
                return
            self.set_header("Content-Length", str(piece.end - piece.start))
            if piece.status == 206:
                self.set_header("Content-Range", f"bytes {piece.start}-{piece.end - 1}/{piece.size}")
            await self._stream(piece)

    async def _stream(self, piece: Piece) -> None:
        try:
            while data := await self.desk.run(lambda: piece.read(CHUNK)):
                self.write(data)
                await self.flush()
            await self.finish()
        except StreamClosedError:
            return  # who asked has gone

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Show any failure as a Problem."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, LabError):
            status_code, problem = problem_of(error)
            if error.retry_after:
                self.set_header("Retry-After", str(round(error.retry_after)))
        else:
            message = ""
            if isinstance(error, HTTPError) and error.log_message:
                message = error.log_message % error.args if error.args else error.log_message
            problem = problem_of_status(status_code, message)
        self.set_status(status_code)
        if status_code == 405:
            self.set_header("Allow", ", ".join(sorted(verb.upper() for verb in self.operations)))
        self.set_header("Content-Type", "application/json")
        self.finish(text_of(problem))

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Keep the traceback of what nobody expected; the rest is told to who asked."""
        if isinstance(value, LabError):
            self.log.debug("labnb: %s", value)
            return
        super().log_exception(kind, value, trace)


class NothingHandler(LabHandler):
    """Whatever else stands under the prefix: nothing, told as a Problem."""

    @authenticated
    @authorized
    async def get(self, path: str) -> None:
        raise HTTPError(404, "There is no %s here.", path[:200] or "resource")

    head = post = put = patch = delete = get


def handler_of(operations: dict[str, Operation]) -> type[LabHandler]:
    """Make the handler of one path: a guarded method per verb."""
    methods = {verb.lower(): _guarded(verb) for verb in operations}
    name = "".join(part.title() for part in next(iter(operations.values())).name.split("_"))
    return type(f"{name}Handler", (LabHandler,), {**methods, "operations": operations})


def _guarded(verb: str) -> Any:
    @authenticated
    @authorized
    async def method(self: LabHandler, *ids: str) -> None:
        await self.answer(verb, ids)

    return method
