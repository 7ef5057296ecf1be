"""A private PostgreSQL with pgvector and AGE, for development and tests.

It needs nothing but a Python wheel (``drystone[embedded]``): no installed server, no
container, no port. Each project has its own, under ``.drystone/`` or, when Drystone
runs as root, under ``/var/lib/drystone/``. It listens on a Unix socket in a folder that
only its user can enter, and outlives the process that started it.
"""

from __future__ import annotations

from drystone.embedded.server import EmbeddedServer, ServerStatus

__all__ = ["EmbeddedServer", "ServerStatus"]
