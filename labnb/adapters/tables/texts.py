"""Texts: their first lines."""

from __future__ import annotations

from labnb.model.preview import Preview

BYTES = 65_536
LINES = 40
WIDTH = 200


def text(path: str, name: str, rows: int) -> Preview:
    """Show the first lines of a text; of anything else, its first bytes."""
    with open(path, "rb") as file:
        head = file.read(BYTES)
        more = bool(file.read(1))
    found = decoded(head, more)
    if found is None:
        shown = " ".join(f"{byte:02x}" for byte in head[:64])
        return Preview(name, "other", {}, text=shown, note="no text, and no format that is known; its first bytes")
    lines = found.splitlines()
    cut = more or len(lines) > LINES
    kept = [line if len(line) <= WIDTH else line[:WIDTH] + "…" for line in lines[:LINES]]
    facts = {} if cut else {"lines": len(lines)}
    return Preview(name, "text", facts, text="\n".join(kept), note="the beginning" if cut else "")


def decoded(head: bytes, more: bool) -> str | None:
    """Read bytes as UTF-8, UTF-16 by its mark, or Latin-1; None for what is no text. `more` follow behind them."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    if b"\0" in head:
        return None
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if more and error.start > len(head) - 4:
            return head[: error.start].decode("utf-8-sig")
    odd = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return head.decode("latin-1") if odd <= len(head) // 50 else None
