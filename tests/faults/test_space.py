"""A disk that is full: nothing is lost, and freed space is all that it takes."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.database.transactions import in_transaction
from drystone.errors import DatabaseUnavailable
from drystone.settings import Settings
from tests.clusters import Cluster, opened_cluster

FILL = (
    "INSERT INTO public.rows SELECT n, repeat('x', 1000) FROM generate_series(1, %s) n"
)
COUNT = "SELECT count(*) FROM public.rows"


@contextmanager
def small_disk(folder: Path, *, megabytes: int, like: Path) -> Iterator[Path]:
    """Mount a small disk in memory at ``folder``, owned as ``like`` is."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted here")
    try:
        owner = like.stat()
        shutil.chown(folder, owner.st_uid, owner.st_gid)
        folder.chmod(0o700)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_tablespace_costs_the_transaction_and_nothing_else(
    cluster: Cluster,
) -> None:
    disk = cluster.folder / "disk"
    with (
        small_disk(disk, megabytes=8, like=cluster.data),
        open_pool(cluster.url(), Settings()) as pool,
        connect(cluster.url(), Settings()) as connection,
    ):
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(2 * 2**20))
        connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'".encode())
        connection.execute(
            "CREATE TABLE public.rows (id int, filler text) TABLESPACE small"
        )
        connection.execute(FILL, [10])
        with pytest.raises(DatabaseUnavailable, match="No space left") as caught:
            in_transaction(pool, lambda own: own.execute(FILL, [20_000]))
        assert caught.value.sqlstate == "53100"
        assert "Free disk space" in (caught.value.hint or "")
        assert connection.execute(COUNT).fetchone() == (10,)
        ballast.unlink()
        in_transaction(pool, lambda own: own.execute(FILL, [1000]))
        assert connection.execute(COUNT).fetchone() == (1010,)
        connection.execute("DROP TABLE public.rows")
        connection.execute("DROP TABLESPACE small")


@pytest.mark.long
def test_a_disk_that_is_full_of_wal_stops_the_server_and_loses_nothing() -> None:
    """PostgreSQL cannot go on without WAL; given room, it starts and has everything."""
    acknowledged = 0

    def write() -> None:
        nonlocal acknowledged
        with open_pool(cluster.url(), Settings(pool_timeout=3)) as pool:
            while acknowledged < 1000:
                in_transaction(pool, lambda own: own.execute(FILL, [1000]))
                acknowledged += 1

    with opened_cluster(
        max_wal_size="1GB", min_wal_size="32MB", wal_recycle="off"
    ) as cluster:
        cluster.stop()
        wal, disk = cluster.data / "pg_wal", cluster.folder / "disk"
        with small_disk(disk, megabytes=100, like=cluster.data):
            shutil.copytree(wal, disk / "wal")
            for path in [disk / "wal", *(disk / "wal").rglob("*")]:
                shutil.chown(path, wal.stat().st_uid, wal.stat().st_gid)
            (disk / "wal").chmod(0o700)
            wal.rename(cluster.folder / "former")
            wal.symlink_to(disk / "wal")
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(20 * 2**20))
            cluster.start()
            with connect(cluster.url(), Settings()) as connection:
                connection.execute("CREATE TABLE public.rows (id int, filler text)")
            with pytest.raises(DatabaseUnavailable):
                write()
            ballast.unlink()
            _start_again(cluster)
            with connect(cluster.url(), Settings()) as connection:
                found: Any = connection.execute(COUNT).fetchone()
                connection.execute("CHECKPOINT")
                connection.execute(FILL, [1000])
            cluster.stop("immediate")
    assert 10 < acknowledged < 1000
    assert found[0] in (acknowledged * 1000, (acknowledged + 1) * 1000)


def _start_again(cluster: Cluster) -> None:
    """Start the server unless it has come back by itself."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not cluster.is_running():
            cluster.start()
        try:
            connect(cluster.url(), Settings()).close()
        except DatabaseUnavailable:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the server did not come back")
