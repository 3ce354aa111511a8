"""The outputs of a cell, as they are shown: streams, displays, results, tracebacks.

Nothing that the researcher sees changes: the objects that IPython writes to stay the same, only their
methods are wrapped for the time of the cell (as IPython itself does to keep outputs in its history).
"""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Callable
from typing import Any

from labnb.model.output import terminal_text

Shown = dict[str, Any]


class OutputRecorder:
    """Keeps what a cell shows, in nbformat's JSON, bounded.

    `limit` bounds the characters of each stream and, tenfold, of all displays; what is more is left out of the
    middle and counted in `left_out`.
    """

    def __init__(self, shell: Any, limit: int = 1_000_000) -> None:
        self._shell = shell
        self._limit = limit
        self._shown: list[Shown] = []
        self._restore: list[Callable[[], None]] = []
        self._inside = threading.local()
        self._lock = threading.RLock()
        self._clear_next = False
        self._displayed = 0
        self._fresh: list[str] = []
        self.cleared = False
        self.left_out = 0

    def start(self) -> None:
        """Begin to listen."""
        self._wrap(sys.stdout, "write", self._on_write("stdout"))
        self._wrap(sys.stderr, "write", self._on_write("stderr"))
        self._wrap(self._shell.display_pub, "publish", self._on_publish)
        self._wrap(self._shell.display_pub, "clear_output", self._on_clear)
        self._wrap(self._shell.displayhook, "write_format_data", self._on_result)
        self._wrap(self._shell, "_showtraceback", self._on_traceback)

    def stop(self) -> tuple[Shown, ...]:
        """End, and give what was shown. May be called twice."""
        while self._restore:
            self._restore.pop()()
        with self._lock:
            return tuple(self._finished(item) for item in self._shown)

    def so_far(self) -> tuple[Shown, ...]:
        """Give what was shown until now."""
        with self._lock:
            return tuple(self._finished(item) for item in self._shown)

    @property
    def displays(self) -> int:
        """The characters of displays, results and tracebacks until now: it grows with each of them."""
        return self._displayed

    def fresh_text(self) -> str:
        """Give the text printed since the last call."""
        with self._lock:
            text = "".join(self._fresh)
            self._fresh.clear()
        return text

    def _wrap(self, owner: Any, name: str, listen: Callable[..., None]) -> None:
        """Replace a method on the instance: the original runs first and alone decides what is returned or raised."""
        original = getattr(owner, name, None)
        if original is None:
            return
        own = name in getattr(owner, "__dict__", {})
        depth = self._inside

        def method(*args: Any, **kwargs: Any) -> Any:
            outermost = not getattr(depth, "busy", False)
            depth.busy = True
            try:
                result = original(*args, **kwargs)
            finally:
                if outermost:
                    depth.busy = False
            if outermost:
                try:
                    with self._lock:
                        listen(*args, **kwargs)
                except Exception:  # noqa: BLE001 - a record that fails must not disturb a print
                    self.left_out += 1
            return result

        try:
            setattr(owner, name, method)
        except AttributeError:
            return

        def restore() -> None:
            if getattr(owner, "__dict__", {}).get(name) is not method:
                return  # somebody wrapped it after us: taking ours away would take theirs too
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)

        self._restore.append(restore)

    def _on_write(self, stream: str) -> Callable[..., None]:
        def listen(text: Any = "", *_: Any, **__: Any) -> None:
            if not isinstance(text, str) or not text:
                return
            self._apply_clear()
            self._fresh.append(text)
            last = self._shown[-1] if self._shown else None
            if last is None or last.get("name") != stream:
                last = {"output_type": "stream", "name": stream, "text": [], "size": 0}
                self._shown.append(last)
            last["text"].append(text)
            last["size"] += len(text)
            if last["size"] > 2 * self._limit:
                last["text"] = [self._middle_out("".join(last["text"]))]
                last["size"] = len(last["text"][0])

        return listen

    def _on_publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *_: Any,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **__: Any,
    ) -> None:
        display_id = (transient or {}).get("display_id")
        content = {"data": self._bounded(data), "metadata": dict(metadata or {})}
        if update:
            for item in self._shown:
                if display_id is not None and item.get("display_id") == display_id:
                    item.update(content)
            return
        self._apply_clear()
        self._shown.append({"output_type": "display_data", **content, "display_id": display_id})

    def _on_result(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        self._apply_clear()
        self._shown.append(
            {
                "output_type": "execute_result",
                "data": self._bounded(data),
                "metadata": dict(metadata or {}),
                "execution_count": self._shell.execution_count - 1,
            }
        )

    def _on_traceback(self, kind: Any, value: Any, lines: list[str]) -> None:
        self._apply_clear()
        self._fresh.append("\n".join(lines) + "\n")
        name = getattr(kind, "__name__", str(kind))
        self._shown.append(
            {
                "output_type": "error",
                "ename": name,
                "evalue": str(value),
                "traceback": [str(line) for line in lines],
            }
        )

    def _on_clear(self, wait: bool = False) -> None:
        self.cleared = True
        if wait:
            self._clear_next = True
        else:
            self._shown.clear()

    def _apply_clear(self) -> None:
        if self._clear_next:
            self._clear_next = False
            self._shown.clear()

    def _bounded(self, data: dict[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for kind, value in data.items():
            if isinstance(value, bytes):
                value = base64.b64encode(value).decode("ascii")
            size = len(value) if isinstance(value, str) else len(str(value))
            if self._displayed + size > 10 * self._limit:
                self.left_out += size
                kept.setdefault("text/plain", f"[{kind} of {size:,} characters left out]")
                continue
            self._displayed += size
            kept[kind] = value
        return kept

    def _middle_out(self, text: str) -> str:
        if len(text) <= self._limit:
            return text
        half = self._limit // 2
        self.left_out += len(text) - 2 * half
        return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"

    def _finished(self, item: Shown) -> Shown:
        item = {name: value for name, value in item.items() if name not in ("size", "display_id")}
        if item["output_type"] == "stream":
            item["text"] = self._middle_out(terminal_text("".join(item["text"])))
        return item
