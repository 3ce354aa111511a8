"""Secrets in changed files stay out of the object database."""

from __future__ import annotations

import subprocess

from tests.adapters.git.conftest import SECRET, Repo, WordScanner


def objects(repo: Repo) -> bytes:
    done = subprocess.run(
        ["git", "cat-file", "--batch", "--batch-all-objects"], cwd=repo.path, capture_output=True, check=True
    )
    return done.stdout


def test_the_hidden_commit_holds_a_masked_file_and_a_note_says_where(repo: Repo) -> None:
    repo.write("train.py", f"lr = 0.5\ntoken = '{SECRET}'\n")
    repo.write("new.py", f"a = '{SECRET}'\n")
    store = repo.store(WordScanner())
    code, notes = store.snapshot("r1")
    assert repo.kept(code.snapshot, "train.py") == b"lr = 0.5\ntoken = '[redacted]'\n"
    assert SECRET.encode() not in objects(repo)
    said = [note.message for note in notes]
    assert said == [
        "new.py holds a secret: line 1 (word). The recorded code has it masked.",
        "train.py holds a secret: line 2 (word). The recorded code has it masked.",
    ]
    assert (repo.path / "train.py").read_text().endswith(f"'{SECRET}'\n")


def test_an_unchanged_file_is_scanned_once_and_told_each_time(repo: Repo) -> None:
    repo.write("train.py", f"token = '{SECRET}'\n")
    repo.write("clean.py", "c = 1\n")
    first = repo.store(scanner := WordScanner()).snapshot("r1")
    count = len(scanner.scanned)
    assert count == 2
    second = repo.store(scanner).snapshot("r2")
    third = repo.store(scanner).snapshot("r3")
    assert len(scanner.scanned) == count
    assert [n.message for n in first[1]] == [n.message for n in second[1]] == [n.message for n in third[1]]
    assert first[0].snapshot == second[0].snapshot == third[0].snapshot


def test_a_staged_secret_is_masked_too(repo: Repo) -> None:
    repo.write("train.py", f"token = '{SECRET}'\n")
    repo.git("add", "train.py")
    code, notes = repo.store(WordScanner()).snapshot("r1")
    assert repo.kept(code.snapshot, "train.py") == b"token = '[redacted]'\n"
    assert len(notes) == 1


def test_a_removed_secret_is_no_longer_told(repo: Repo) -> None:
    store = repo.store(WordScanner())
    repo.write("train.py", f"token = '{SECRET}'\n")
    store.snapshot("r1")
    repo.write("train.py", "token = input()\n")
    code, notes = store.snapshot("r2")
    assert repo.kept(code.snapshot, "train.py") == b"token = input()\n"
    assert notes == ()


def test_another_scanner_looks_again(repo: Repo) -> None:
    repo.write("train.py", f"token = '{SECRET}'\n")

    class Blind(WordScanner):
        version = "blind"

        def scan(self, text: str) -> tuple:
            return ()

    blind, _ = repo.store(Blind()).snapshot("r1")
    assert SECRET.encode() in repo.kept(blind.snapshot, "train.py")
    code, notes = repo.store(WordScanner()).snapshot("r2")
    assert SECRET.encode() not in repo.kept(code.snapshot, "train.py")
    assert len(notes) == 1


def test_other_encodings_binaries_and_modes(repo: Repo) -> None:
    repo.write("win.ini", f"key={SECRET}\r\n".encode("utf-16"))
    repo.write("latin.py", f"# caf\xe9\nk = '{SECRET}'\n".encode("latin-1"))
    repo.write("data.bin", b"\0" + SECRET.encode())
    repo.write("run.sh", f"export K={SECRET}\n").chmod(0o755)
    code, notes = repo.store(WordScanner()).snapshot("r1")
    assert SECRET not in repo.kept(code.snapshot, "win.ini").decode("utf-16")
    assert repo.kept(code.snapshot, "latin.py") == b"# caf\xe9\nk = '[redacted]'\n"
    assert repo.kept(code.snapshot, "data.bin") == b"\0" + SECRET.encode(), "no text"
    assert repo.git("ls-tree", str(code.snapshot), "run.sh").startswith("100755")
    assert len(notes) == 3


def test_texts_too_large_to_scan_are_told(repo: Repo) -> None:
    repo.write("huge.txt", "a b c\n" * 1_000_000)
    _, notes = repo.store(WordScanner()).snapshot("r1")
    assert [note.code for note in notes] == ["not_scanned"]
    assert "huge.txt (6 MB)" in notes[0].message
