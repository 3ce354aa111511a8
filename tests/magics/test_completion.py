"""Tab after `%%labrun`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel import Kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    root = tmp_path_factory.mktemp("completion")
    (root / "labnb.toml").write_text('[targets.cluster]\nexecutor = "slurm"\n')
    with Kernel(root) as kernel:
        kernel.load()
        kernel.run("accuracy = 1\nother = 2")
        yield kernel


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%%labrun --pa", "--param"),
        ("%%labrun -", "--metric"),
        ("%%labrun --metric acc", "accuracy"),
        ("%%labru", "%%labrun"),
        ("%%labrun --on clu", "cluster"),
        ("%%labrun --on cluster --out acc", "accuracy"),
        ("%%labrun --on cluster --part", "--partition"),
    ],
)
def test_completion(kernel: Kernel, text: str, offered: str) -> None:
    message = kernel.client.complete(text, reply=True, timeout=30)
    assert offered in message["content"]["matches"]
