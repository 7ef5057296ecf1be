"""A new data folder, and the parameters that the server runs with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from drystone.embedded import postmaster
from drystone.embedded.account import Account
from drystone.embedded.home import Home, make_private_folder
from drystone.embedded.wheel import Wheel
from drystone.errors import EmbeddedServerError

_HEADER = """\
# Written by Drystone at each start. To change a parameter: ALTER SYSTEM.
"""
# PostgreSQL's own defaults hold for whatever is not named.
_PARAMETERS = {
    # Reached through the socket's private folder, and in no other way.
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # Compiling costs more than it saves on a developer's data.
    "jit": "off",
    "timezone": "UTC",
    "datestyle": "iso, mdy",
    "default_text_search_config": "pg_catalog.english",
    "lc_messages": "C",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
    "log_min_duration_statement": "500ms",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
    # A parameter's value may be personal data.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# Containers often have 64 MB there: too little for a parallel build of an index.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only its size is read
_ENOUGH_SHARED_MEMORY = 256 * 1024 * 1024


def initialise(
    home: Home,
    wheel: Wheel,
    account: Account,
    *,
    version: str,
    busy: int,
    sync: bool,
) -> None:
    """Make the data folder, unless there is one that ``version`` can read.

    initdb works in a folder beside it, which is renamed when it is whole: a folder with
    the final name is never half a cluster. ``busy`` is the descriptor of the lock that
    the caller holds; initdb inherits it, so that if the caller is killed the next one
    waits until initdb is gone.
    """
    if home.new_data.exists():
        shutil.rmtree(home.new_data)
    if home.old_data.exists():
        shutil.rmtree(home.old_data)
    if home.data.exists() and any(home.data.iterdir()):
        _require_version(home, version)
        return
    make_private_folder(home.new_data, account)
    try:
        done = account.run(
            [
                wheel.binary("initdb"),
                f"--pgdata={home.new_data}",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                # The same on every machine; the wheel has no ICU.
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                *([] if sync else ["--no-sync"]),
            ],
            keep_open=[busy],
        )
        if done.returncode != 0:
            raise _failed(home, done.stdout)
        _spread(home.new_data / "base", account)
        home.new_data.rename(home.data)
    finally:
        shutil.rmtree(home.new_data, ignore_errors=True)


def _spread(databases: Path, account: Account) -> None:
    """Have ext4 give each database a part of the disk of its own, where it can.

    It is slow to find a place for a new file where many were deleted in the last
    seconds, as those of databases that come and go are: to make one may take 500 ms
    then, and takes 40 ms so.
    """
    if (program := shutil.which("chattr")) is not None:
        account.run([program, "+T", databases])


def server_version(wheel: Wheel, account: Account) -> str:
    """Return the installed server's version, such as ``18.6``."""
    program = wheel.binary("postgres")
    done = account.run([program, "--version"])
    if done.returncode != 0 or not done.stdout.strip():
        raise EmbeddedServerError(
            f"{program} cannot run on this machine: {done.stdout.strip()}",
            hint="Install the library that it names, or set DATABASE_URL.",
        )
    # "postgres (PostgreSQL) 18.6"
    return done.stdout.split()[-1]


def write_configuration(home: Home, sockets: Path) -> None:
    """Write the parameters to the file that the server reads."""
    folder = str(sockets).replace('"', '""')
    parameters = {**_PARAMETERS, "unix_socket_directories": f'"{folder}"'}
    if _SHARED_MEMORY.is_dir():
        memory = os.statvfs(_SHARED_MEMORY)
        if memory.f_blocks * memory.f_frsize < _ENOUGH_SHARED_MEMORY:
            parameters["dynamic_shared_memory_type"] = "mmap"
    lines = [f"{name} = {_quoted(value)}\n" for name, value in parameters.items()]
    written = home.configuration.with_suffix(".new")
    written.write_text(_HEADER + "".join(lines), encoding="utf-8")
    written.chmod(0o644)
    written.replace(home.configuration)


def command(home: Home, wheel: Wheel, extra: Mapping[str, str]) -> list[str]:
    """Return the command line that runs the server."""
    return [
        str(wheel.binary("postgres")),
        "-D",
        str(home.data),
        f"--config_file={home.configuration}",
        *(f"--{name}={value}" for name, value in extra.items()),
    ]


def _require_version(home: Home, server: str) -> None:
    file = home.data / "PG_VERSION"
    try:
        found = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise EmbeddedServerError(
            f"{home.data} is not a data folder of PostgreSQL: it has no PG_VERSION",
            hint="Move it away, or delete it with `drystone db reset`.",
        ) from None
    if found != server.partition(".")[0]:
        raise EmbeddedServerError(
            f"the data in {home.data} was written by PostgreSQL {found}, and the"
            f" embedded server is {server}, which cannot read it",
            hint=f"To keep it: pg_dump it with a server of version {found}. Then"
            " `drystone db reset` deletes it, and the next start begins anew.",
        )


def _failed(home: Home, output: str) -> EmbeddedServerError:
    lines = "\n".join(f"    {line}" for line in output.splitlines()[-15:])
    if (full := postmaster.disk_full(home.folder, lines)) is not None:
        return full
    return EmbeddedServerError(
        f"a data folder could not be made in {home.folder}; initdb said:\n{lines}",
        hint="Correct what it names and run again; nothing of it was kept.",
    )


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
