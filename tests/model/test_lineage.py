"""The graph of data and runs: down to the raw data, up to the models, through circles and gaps."""

from __future__ import annotations

from labnb.model.data_listing import lineage_text
from labnb.model.dataset import FileUse
from labnb.model.lineage import Lineage, Node, Step, lineage, run_step, tree
from labnb.model.run import Run, RunStatus

RAW, CLEAN, TRAIN = "1" * 32, "2" * 32, "3" * 32


def data(name: str, version: str | None, digest: str | None = None) -> FileUse:
    return FileUse(name, f"md5:{digest or version}", 1, dataset=name if version else None, version=version)


def run(uid: str, inputs: list[FileUse], outputs: list[FileUse], *models: str) -> Step:
    made = Run(
        uid * 32, f"run-{uid}", RunStatus.FINISHED, "2026-01-01T10:00:00.000Z",
        inputs=tuple(inputs), outputs=tuple(outputs),
    )  # fmt: skip
    return run_step(made, models)


def edges(graph: Lineage) -> set[tuple[str, str, str]]:
    return {(edge.source[:8], edge.target[:8], edge.how) for edge in graph.edges}


def chain() -> list[Step]:
    return [
        run("a", [data("raw.csv", RAW)], [data("clean.csv", CLEAN)]),
        run("b", [data("clean.csv", CLEAN)], [data("train.csv", TRAIN)]),
        run("c", [data("train.csv", TRAIN)], [FileUse("model.bin", "md5:" + "9" * 32, 5)], "forest"),
    ]


def test_down_to_the_raw_data_and_up_to_the_models() -> None:
    graph = lineage("clean.csv", CLEAN, chain())
    assert edges(graph) == {
        ("aaaaaaaa", "clean.cs", "wrote"),
        ("raw.csv@", "aaaaaaaa", "read"),
        ("clean.cs", "bbbbbbbb", "read"),
        ("bbbbbbbb", "train.cs", "wrote"),
        ("train.cs", "cccccccc", "read"),
        ("cccccccc", "model.bi", "wrote"),
        ("cccccccc", "c" * 8, "logged"),
    }
    text = lineage_text(graph)
    assert "made by run aaaaaaaa run-a" in text
    assert "   └─ from raw.csv@11111111" in text
    assert "which logged model forest" in text
    kinds = {node["id"]: node["kind"] for node in graph.to_json()["nodes"]}
    assert kinds[f"clean.csv@{CLEAN}"] == "data"
    assert kinds["c" * 32 + "/forest"] == "model"


def test_raw_data_that_nobody_used() -> None:
    text = lineage_text(lineage("raw.csv", "7" * 32, chain()))
    assert "no recorded run or stage made it" in text
    assert "No recorded run has used it." in text


def test_what_a_run_wrote_before_anybody_added_it_is_found_by_its_content() -> None:
    wrote = run("a", [data("raw.csv", RAW)], [FileUse("clean.csv", f"md5:{CLEAN}", 1)])
    assert ("aaaaaaaa", "clean.cs", "wrote") in edges(lineage("clean.csv", CLEAN, [wrote]))


def test_a_part_of_a_folder_makes_a_part_of_its_version() -> None:
    version = "4" * 32 + ".dir"
    wrote = run("a", [data("raw.csv", RAW)], [FileUse("images/1.png", "md5:" + "5" * 32, 1)])
    graph = lineage("images", version, [wrote], lambda name, digest: {"1.png": "5" * 32, "2.png": "6" * 32})
    assert ("aaaaaaaa", "images@4", "wrote") in edges(graph)
    other = lineage("images", version, [wrote], lambda name, digest: {"1.png": "0" * 32})
    assert not other.edges


def test_circles_end() -> None:
    first = run("a", [data("x", CLEAN), data("y", RAW)], [data("x", CLEAN), data("y", TRAIN)])
    second = run("b", [data("y", TRAIN)], [data("y", RAW)])
    graph = lineage("x", CLEAN, [first, second])
    assert len(graph.nodes) == 5
    for down in (True, False):
        lines = tree(graph, down)
        assert len(lines) < 12
        assert any("(see above)" in line for line in lines)


def test_a_chain_of_a_thousand_steps_and_one_too_many() -> None:
    steps = [
        Step(Node(f"s{at}", "run", f"s{at}"), (data("x", f"{at:032x}"),), (data("x", f"{at + 1:032x}"),))
        for at in range(1500)
    ]
    short = lineage("x", f"{900:032x}", steps[:900])
    assert len(tree(short)) == 1801
    assert not short.cut
    long = lineage("x", f"{1500:032x}", steps)
    assert long.cut
    assert len(long.nodes) == 2000
    assert "cut" in lineage_text(long)


def test_an_import_names_its_source() -> None:
    graph = lineage("raw.csv", RAW, chain(), source=lambda name: "https://lab/x raw.csv" if name == "raw.csv" else "")
    assert "imported from https://lab/x raw.csv" in lineage_text(graph)
