"""The embedded MLflow store: created, migrated and moved once, under a lock.

MLflow creates the tables of a new SQLite file at first use, without a lock: processes that meet there destroy it. So
the database is made aside and renamed when it is whole, and nobody is pointed to it before.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.store.db import utils as mlflow_db
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from sqlalchemy import event

from labnb.adapters.mlflow.carry import carry_over
from labnb.adapters.mlflow.embedded import IDENTITY, marker_of, marker_text, sqlite_uri, uri_of
from labnb.adapters.mlflow.errors import HINT_CORRUPT, translated
from labnb.model.errors import StoreCorrupt, StoreError, StoreLocked, StoreMisplaced
from labnb.runfolder.mounts import ELSEWHERE
from labnb.runfolder.paths import LabPaths, write_atomic

DEFAULT_EXPERIMENT = "0"


def prepare_store(lab: LabPaths, experiment: str, patience: float = 60.0) -> str:
    """See to it that the embedded store can be used, and give its tracking URI.

    A new store calls MLflow's default experiment `experiment`: code that names no experiment lands there. A store of
    an older MLflow is migrated after a copy of it was put beside it; one whose folder was moved is told so. Waits up
    to `patience` seconds for another process that is doing the same. Where the settings put the store elsewhere, what
    its last place holds is copied there first. Raises StoreMisplaced where it would lie on a file system without sure
    locks (nothing is written there), StoreCorrupt (nothing is deleted), StoreLocked, or StoreError where it cannot be
    written.
    """
    if lab.misplaced:
        raise StoreMisplaced(lab.misplaced, ELSEWHERE)
    if marker_text(lab) == marker_of(lab, mlflow.__version__) and lab.database.exists():
        return uri_of(lab)
    try:
        _make(lab)
        with _locked(lab, patience), translated(uri_of(lab)):
            if not lab.database.exists() and not carry_over(lab):
                _create(lab, experiment)
            else:
                _check(lab.database)
                _migrate(lab.database)
                _move(lab)
            write_atomic(lab.mlflow / "prepared", marker_of(lab, mlflow.__version__))
        if lab.last_store() != lab.mlflow:
            write_atomic(lab.store_note, f"{lab.mlflow}\n")
    except OSError as error:
        place = lab.home if lab.store is None else lab.store.parent
        raise StoreError(f"The embedded MLflow store cannot be made: {error}.", f"Is {place} writable?") from error
    return uri_of(lab)


def _make(lab: LabPaths) -> None:
    if lab.store is None:
        lab.mlflow.mkdir(exist_ok=True)
        return
    # A disk that many may write to: what is below is this user's.
    lab.store.parent.mkdir(parents=True, exist_ok=True)
    lab.store.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _locked(lab: LabPaths, patience: float) -> Iterator[None]:
    fd = os.open(lab.mlflow / "prepare.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    deadline = time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreLocked(
                        "Another process has been preparing the embedded MLflow store for too long.",
                        f"See who holds {lab.mlflow / 'prepare.lock'}.",
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(fd)


def _create(lab: LabPaths, experiment: str) -> None:
    for left in lab.mlflow.glob("new-*"):  # of a process that was killed here
        left.unlink()
    aside = lab.mlflow / f"new-{os.getpid()}.db"
    uri = sqlite_uri(aside)
    quiet = logging.getLogger("alembic"), logging.getLogger("mlflow.store.db.utils")
    levels = [logger.level for logger in quiet]
    for logger in quiet:
        logger.setLevel(logging.WARNING)
    try:
        engine = _untyped(SqlAlchemyStore._get_or_create_engine)(uri)
        engine.dispose()
        # Nobody else sees the file yet: it is written to the disk once, when it is whole.
        event.listen(engine, "connect", _hurry)
        _untyped(SqlAlchemyStore)(uri, lab.artifacts.as_uri())
        engine.dispose()
        SqlAlchemyStore._engine_map.pop(uri, None)
    finally:
        for logger, level in zip(quiet, levels, strict=True):
            logger.setLevel(level)
    with closing(sqlite3.connect(aside)) as database, database:
        if experiment.strip():
            database.execute("UPDATE experiments SET name = ? WHERE experiment_id = 0", (experiment,))
        database.execute(
            "INSERT OR REPLACE INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, 0)",
            (IDENTITY, uuid.uuid4().hex),
        )
    fd = os.open(aside, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(aside, lab.database)


def _hurry(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_mode = MEMORY")


def _check(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=20)) as database:
            database.execute("SELECT version_num FROM alembic_version").fetchone()
            database.execute("SELECT count(*) FROM experiments").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreLocked(f"{path} is held by another process.", "It is tried again.") from error
        raise StoreCorrupt(f"{path} is no MLflow store: {error}.", HINT_CORRUPT) from error
    except sqlite3.DatabaseError as error:
        raise StoreCorrupt(f"{path} is damaged: {error}.", HINT_CORRUPT) from error


def _migrate(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=20)) as database:
        (found,) = database.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    if found == _untyped(mlflow_db._get_latest_schema_revision)():
        return
    backup = path.with_name(f"{path.name}.{found}")
    if not backup.exists():
        shutil.copy2(path, backup)
    engine = _untyped(mlflow_db.create_sqlalchemy_engine)(sqlite_uri(path))
    try:
        _untyped(mlflow_db._upgrade_db)(engine)
    finally:
        engine.dispose()


def _move(lab: LabPaths) -> None:
    """Tell the store where its artifacts are now: MLflow notes absolute paths, and people rename folders."""
    now = lab.artifacts.as_uri()
    try:
        before = json.loads(marker_text(lab) or "{}").get("artifacts", "")
    except ValueError:
        before = ""
    if not before or before == now:
        return
    columns = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"))
    with closing(sqlite3.connect(lab.database, timeout=20)) as database, database:
        for table, column in columns:
            with contextlib.suppress(sqlite3.OperationalError):
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                    (now, len(before) + 1, len(before), before),
                )


def identity_of(client: MlflowClient) -> str:
    """Give the name that was given to the store when it was made, or its own address where nobody gave one."""
    experiment = client.get_experiment(DEFAULT_EXPERIMENT)
    return str(experiment.tags.get(IDENTITY, ""))


def _untyped(function: Any) -> Any:
    """MLflow declares no types for these."""
    return function
