"""Values of names, made plain."""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np
import pytest

from labnb.model.closure import Closure
from labnb.model.values import as_number, asked_params, simple, slice_params


@dataclasses.dataclass
class Optimizer:
    lr: float
    betas: tuple[float, float]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7.0),
        (np.array(2.5), 2.5),
        (np.array([2.5]), 2.5),
        (np.array([1.0, 2.0]), None),
        ("3", None),
        (None, None),
        (1j, None),
        (np.array("x"), None),
    ],
)
def test_as_number(value: object, number: float | None) -> None:
    assert as_number(value) == number


def test_asked_params_take_fields() -> None:
    config = {"optimizer": Optimizer(0.1, (0.9, 0.99)), "args": argparse.Namespace(epochs=3, name="x"), "on": True}
    assert asked_params("config", config) == {
        "config.optimizer.lr": 0.1,
        "config.optimizer.betas": "(0.9, 0.99)",
        "config.args.epochs": 3,
        "config.args.name": "x",
        "config.on": True,
    }


def test_slice_params_are_simple_public_and_no_metrics() -> None:
    assigned = {
        "lr": "0.1",
        "_hidden": "1",
        "acc": "0.0",
        "name": "'forest'",
        "sizes": "[1, 2]",
        "none": "None",
        "big": repr("x" * 999),
    }
    closure = Closure(pieces=(), assigned=assigned)
    assert slice_params(closure, frozenset({"acc"})) == {"lr": 0.1, "name": "forest", "sizes": "[1, 2]", "none": None}


def test_simple_refuses_what_is_not() -> None:
    assert simple(object()) is None
    assert simple([1, [2]]) is None
    assert simple(b"x") is None
