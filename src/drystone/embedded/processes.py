"""What the operating system says of a process: whose it is, and what it runs."""

from __future__ import annotations

import subprocess
from pathlib import Path


def owner_and_command(pid: int) -> tuple[int, bytes] | None:
    """Return a process's user id and command line; None if there is no such process.

    The words of the command line are separated by single spaces.
    """
    process = Path(f"/proc/{pid}")
    try:
        if Path("/proc/self").exists():
            owner = process.stat().st_uid
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
        else:
            done = subprocess.run(
                ["ps", "-ww", "-o", "uid=,command=", "-p", str(pid)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
            )
            number, _, command = done.stdout.strip().partition(b" ")
            owner = int(number)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    return owner, command.strip()
