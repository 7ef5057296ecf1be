"""A Redis that can be killed, and come back with or without its memory."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from drystone.embedded import EmbeddedRedis


class MortalRedis:
    """A Redis of a test's own."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedRedis(folder, parameters={"appendfsync": "no"})
        self.url = self._server.start()

    def kill(self) -> None:
        """Kill it; what it has answered for is in the system's memory, or on disk."""
        pid = self._server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while self._server.status().running:
            time.sleep(0.001)

    def forget(self) -> None:
        """Let it come back empty, as one without persistence does."""
        self._server.reset()

    def start(self) -> None:
        assert self._server.start() == self.url
