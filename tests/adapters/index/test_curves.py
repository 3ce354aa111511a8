"""Curves are reduced wherever their columns lie in memory."""

from __future__ import annotations

import numpy as np
import pytest

from labnb.adapters.index.curves import reduced
from labnb.ports.curves import Window


@pytest.mark.parametrize("shift", [1, 4, 7])
def test_columns_that_begin_at_any_byte(shift: int) -> None:
    steps = np.arange(5000, dtype=np.float64)
    wave = np.sin(steps / 50)
    lying = [np.frombuffer(bytes(shift) + column.tobytes(), np.float64, 5000, shift) for column in (steps, wave)]
    curve = reduced("u", "loss", lying[0], lying[0], lying[1], Window(points=100), 0.0)
    assert (curve.total, len(curve.x), curve.whole) == (5000, 100, False)
    assert max(value for value in curve.y if value is not None) > 0.99
