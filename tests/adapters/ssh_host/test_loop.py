"""The event loop of the SSH connections."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from labnb.adapters.ssh_host.loop import wait_for


def test_what_nobody_waits_for_any_more_is_not_printed(caplog: pytest.LogCaptureFixture) -> None:
    """A transfer has many requests under way; where the connection breaks, one of them tells, and the others go."""

    async def request() -> None:
        raise ConnectionResetError("gone")

    async def transfer() -> None:
        one, _ = (asyncio.ensure_future(request()) for _ in range(2))
        await one

    with caplog.at_level(logging.DEBUG):
        with pytest.raises(ConnectionResetError):
            wait_for(transfer())
        gc.collect()
        wait_for(asyncio.sleep(0))
    assert [record.name for record in caplog.records if record.levelno > logging.DEBUG] == []
    assert "never retrieved: ConnectionResetError('gone')" in caplog.text
