"""Runs in a table: the same columns in the notebook and in the terminal."""

from __future__ import annotations

import html
from collections.abc import Sequence

from labnb.model.facts import own_metrics
from labnb.model.run import Run
from labnb.model.wording import code_text, data_text, duration_text, format_number, published_text, short

COLUMNS_AT_MOST = 6


def rows_of(runs: Sequence[Run]) -> tuple[list[str], list[list[str]]]:
    """Give the header and a row per run: name, status, duration, metrics, params that differ, data, code, run."""
    metrics = _frequent([name for run in runs for name in own_metrics(run.metrics)])
    params = _differing(runs)
    published = any(run.published != "published" for run in runs)
    header = ["run", "name", "status", "started", "took", *metrics, *params, "data", "code"]
    header += ["published"] if published else []
    rows = []
    for run in runs:
        data = ", ".join(data_text(use) for use in run.inputs[:2]) + (" …" if len(run.inputs) > 2 else "")
        rows.append(
            [
                run.uid[:8],
                short(run.name, 30),
                run.status.value,
                run.started[:19].replace("T", " "),
                duration_text(run.duration),
                *(format_number(run.metrics[name]) if name in run.metrics else "" for name in metrics),
                *(short(run.params[name], 20) if name in run.params else "" for name in params),
                short(data, 50),
                code_text(run.code),
                *([short(published_text(run), 60)] if published else []),
            ]
        )
    return header, rows


def text_table(runs: Sequence[Run], total: int) -> str:
    """Write the table for a terminal."""
    if not runs:
        return "There are no runs yet. Write %%labrun above a cell to record one." if not total else "No run fits."
    header, rows = rows_of(runs)
    widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in rows]
    head = "  ".join(text.ljust(width) for text, width in zip(header, widths, strict=True)).rstrip()
    return "\n".join([head, "  ".join("-" * width for width in widths), *lines, *_more(runs, total)])


def html_table(runs: Sequence[Run], total: int) -> str:
    """Write the table for a notebook."""
    if not runs:
        return f"<p>{html.escape(text_table(runs, total))}</p>"
    header, rows = rows_of(runs)
    head = "".join(f"<th>{html.escape(text)}</th>" for text in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="white-space:nowrap">{html.escape(text)}</td>' for text in row) + "</tr>"
        for row in rows
    )
    more = "".join(f"<p><small>{html.escape(line)}</small></p>" for line in _more(runs, total))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _more(runs: Sequence[Run], total: int) -> list[str]:
    return [f"{len(runs)} of {total} runs; --limit shows more."] if total > len(runs) else []


def _frequent(names: list[str]) -> list[str]:
    """Give the most frequent names, in the order in which they first came."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    chosen = sorted(counts, key=lambda name: -counts[name])[:COLUMNS_AT_MOST]
    return [name for name in counts if name in chosen]


def _differing(runs: Sequence[Run]) -> list[str]:
    """Give the params in which the runs differ; of a single run all of them."""
    names = _frequent([name for run in runs for name in run.params])
    if len(runs) == 1:
        return names
    return [name for name in names if len({repr(run.params.get(name)) for run in runs}) > 1]
