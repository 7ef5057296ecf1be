"""The package as others install it: a wheel, away from the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

PROJECT = Path(__file__).parents[1]

ASK = """
import sys
from drystone.database.pool import open_pool
from drystone.queries import load_queries
from drystone.settings import Settings
from drystone.systems import shipped

assert "site-packages" in str(shipped("sql")), shipped("sql")
queries = load_queries([shipped("sql")])
with open_pool(sys.argv[1], Settings()) as pool, pool.connection() as connection:
    for hit in queries.events.search.search_text(connection, q="*", limit_rows=1):
        raise AssertionError(hit)
    print(len(queries.events.browse.list_events(
        connection, location=None, topics=None, date_from=None, date_to=None,
        min_quality=None, after_listed_on=None, after_id=None, limit_rows=100,
    )))
"""


def test_the_wheel_carries_the_systems_sql(tmp_path: Path, empty_url: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=PROJECT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    packages = home / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    # The dependencies are borrowed; Drystone itself comes from the wheel alone.
    borrowed = Path(sysconfig.get_path("purelib"))
    for path in borrowed.iterdir():
        if "drystone" not in path.name and path.suffix != ".pth":
            (packages / path.name).symlink_to(path)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-index", "--target", packages, wheel),
        ],
        check=True,
    )
    outside = tmp_path / "elsewhere"
    outside.mkdir()

    def run(*arguments: str | Path) -> str:
        return subprocess.run(
            [python, *arguments],
            cwd=outside,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    command = "from drystone.cli import main; main()"
    migrated = run("-c", command, "--database-url", empty_url, "migrate", "events")
    assert "applied events-0001-create-schema" in migrated
    run("-c", command, "--database-url", empty_url, "seed", "events")
    assert int(run("-c", ASK, empty_url)) >= 12
