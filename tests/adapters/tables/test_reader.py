"""Looking into files: what each format shows, and that no file can do harm."""

from __future__ import annotations

import base64
import io
import os
import pickle
import struct
import time
import wave
import zipfile
import zlib
from pathlib import Path

import pytest

from labnb.adapters.tables import FileReader, reader
from labnb.model.preview import Preview

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


def look(path: Path, rows: int = 3) -> Preview:
    return FileReader().preview(path, path.name, rows)


def test_tables(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": range(1000), "b": ["x"] * 1000})
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text('a;b\n1;"two\nlines"\n3;\x1b[31mred\n')
    (tmp_path / "t.jsonl").write_text('{"a": 1, "b": [1]}\n{"a": 2}\n')
    parquet = look(tmp_path / "t.parquet")
    assert parquet.facts["rows"] == 1000
    assert parquet.columns[0] == "a: int64"
    assert parquet.rows == (("0", "x"), ("1", "x"), ("2", "x"))
    csv = look(tmp_path / "t.csv")
    assert (csv.kind, csv.facts["rows"], csv.facts["columns"]) == ("table", 2, 2)
    assert csv.rows[0] == ("1", "two\nlines")
    lines = look(tmp_path / "t.jsonl")
    assert lines.columns == ("a", "b")
    assert lines.rows[1] == ("2", "")


def test_a_large_table_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with open(path, "w") as file:
        file.write("a,b\n")
        file.writelines("1,2\n" * 1_000_000 for _ in range(30))
    begun = time.monotonic()
    shown = look(path)
    assert time.monotonic() - begun < 10
    assert shown.facts["rows"] == 30_000_000
    assert len(shown.rows) == 3


def test_images_arrays_sounds_texts(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (3000, 2000), "red").save(tmp_path / "i.jpg")
    np.save(tmp_path / "a.npy", np.arange(12).reshape(3, 4))
    np.savez(tmp_path / "z.npz", x=np.zeros((2, 3)))
    with wave.open(str(tmp_path / "s.wav"), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0" * 32_000)
    (tmp_path / "n.txt").write_text("grün\n" * 100)
    (tmp_path / "b.bin").write_bytes(bytes(range(256)))
    shown = look(tmp_path / "i.jpg")
    assert shown.facts["pixels"] == [3000, 2000]
    with image.open(io.BytesIO(base64.b64decode(shown.image))) as small:
        assert small.size == (256, 171)
    assert look(tmp_path / "a.npy").facts["shape"] == [3, 4]
    assert "x  2×3  float64" in look(tmp_path / "z.npz").text
    assert look(tmp_path / "s.wav").facts["seconds"] == 1.0
    assert look(tmp_path / "n.txt").text.startswith("grün\n")
    assert look(tmp_path / "b.bin").kind == "other"


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {os.environ['LABNB_TEST_MARK']}",)


def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "executed"
    monkeypatch.setenv("LABNB_TEST_MARK", str(mark))
    evil = np.empty(1, dtype=object)
    evil[0] = _Evil()
    np.save(tmp_path / "o.npy", evil, allow_pickle=True)
    np.savez(tmp_path / "o.npz", x=evil)
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(_Evil()))
    assert "not loaded" in look(tmp_path / "o.npy").note
    assert "object" in look(tmp_path / "o.npz").text
    assert "can run" in look(tmp_path / "x.pkl").note
    assert not mark.exists()
    np.load(tmp_path / "o.npy", allow_pickle=True)  # the file is one that would
    assert mark.exists()


def test_hostile_files_end_in_a_note(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    (tmp_path / "bomb.png").write_bytes(bomb + chunk(b"IEND", b""))
    (tmp_path / "cut.png").write_bytes(bomb[:60])
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" + b"\xff" * 500 + b"PAR1")
    (tmp_path / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65_535)
    with zipfile.ZipFile(tmp_path / "bad.npz", "w") as archive:
        archive.writestr("../../x.npy", b"no array")
    (tmp_path / "one.csv").write_text("x" * 5_000_000)
    (tmp_path / "none.csv").write_text("")
    assert "too large" in look(tmp_path / "bomb.png").note
    for name in ("cut.png", "bad.parquet", "huge.npy", "bad.npz"):
        assert look(tmp_path / name).note, name
    assert len(look(tmp_path / "one.csv").columns[0]) <= 200
    assert look(tmp_path / "none.csv").facts["rows"] == 0


def test_a_reader_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PREVIEW_SECONDS", 0.2)
    monkeypatch.setattr(reader, "_CHILD", "import time; time.sleep(60)")
    (tmp_path / "n.txt").write_text("x")
    assert "more than" in look(tmp_path / "n.txt").note
    monkeypatch.setattr(reader, "_CHILD", "import os; os.abort()")
    monkeypatch.setattr(reader, "PREVIEW_SECONDS", 20.0)
    assert "signal 6" in look(tmp_path / "n.txt").note


def test_summary_of_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("n,t,b\n1,x,True\n2.5,,False\n,x,True\n")
    found = FileReader().summary(tmp_path / "t.csv", "t.csv")
    assert found is not None
    assert found.rows == 3
    numbers, texts, truths = found.columns
    assert numbers.facts == {"missing": 1, "mean": 1.75, "std": pytest.approx(1.0606601), "min": 1, "max": 2.5}
    assert texts.facts == {"missing": 1, "unique": 1}
    assert truths.facts == {"missing": 0, "true": 2}
    (tmp_path / "x.bin").write_bytes(b"\0")
    assert FileReader().summary(tmp_path / "x.bin", "x.bin") is None
