"""The one handler: it reads a question, has it answered in the pool, and shows the answer or the problem.

What can be asked is loaded with the first question: a server that nobody asks of labnb starts without it.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
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
OPERATIONS = "labnb.server.operations"


class LabHandler(APIHandler):
    """Answers whatever stands under `/labnb/api/`: what the list of operations names, and a Problem of all else."""

    auth_resource = AUTH_RESOURCE
    #: The verbs that the asked path has, once it was looked up.
    verbs: tuple[str, ...] = ()

    # A method for each verb: what `authorized` wraps keeps the action (read, write) of the first call for good.
    @authenticated
    @authorized
    async def get(self, path: str) -> None:
        await self.answer(path)

    @authenticated
    @authorized
    async def head(self, path: str) -> None:
        await self.answer(path)

    @authenticated
    @authorized
    async def post(self, path: str) -> None:
        await self.answer(path)

    @authenticated
    @authorized
    async def put(self, path: str) -> None:
        await self.answer(path)

    @authenticated
    @authorized
    async def patch(self, path: str) -> None:
        await self.answer(path)

    @authenticated
    @authorized
    async def delete(self, path: str) -> None:
        await self.answer(path)

    @property
    def desk(self) -> Desk:
        return cast("Desk", self.settings["labnb_desk"])

    async def answer(self, path: str) -> None:
        """Answer with what the operation gives; raises LabError or HTTPError, which `write_error` shows."""
        if OPERATIONS not in sys.modules:  # the first question: the loop goes on meanwhile
            await self.desk.run(lambda: import_module(OPERATIONS))
        operation, ids = self._operation(path)
        body = self._body(operation)
        query = read_query(operation.query, self.request.query_arguments)
        named = operation.ids(ids)
        user = getattr(self.current_user, "username", "") or ""
        project = self.get_query_argument("project", "")
        compress = "gzip" in self.request.headers.get("Accept-Encoding", "")

        def work() -> Any:
            shelf = self.desk.shelf(project)
            answer = operation.call(Ask(self.desk, shelf, named, query, body, user))
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

    def _operation(self, path: str) -> tuple[Operation, tuple[str, ...]]:
        """Find what is asked, and the ids in its path."""
        from labnb.server.operations import find

        verbs, ids = find(path)
        if not verbs:
            raise HTTPError(404, "There is no %s here.", path[:200] or "resource")
        self.verbs = tuple(sorted(verbs))
        operation = verbs.get(self.request.method or "")
        if operation is None:
            raise HTTPError(405)
        return operation, ids

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
            self.set_header("Allow", ", ".join(self.verbs))
        self.set_header("Content-Type", "application/json")
        self.finish(text_of(problem))

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Keep the traceback of what nobody expected; the rest is told to who asked."""
        if isinstance(value, LabError):
            self.log.debug("labnb: %s", value)
            return
        super().log_exception(kind, value, trace)
