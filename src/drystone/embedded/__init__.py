"""A private PostgreSQL with pgvector and AGE, and a Redis, for development and tests.

They need nothing but Python wheels (``drystone[embedded]``): no installed server, no
container, no port. Each project has its own, under ``.drystone/`` or, when Drystone
runs as root, under ``/var/lib/drystone/``. They listen on Unix sockets in folders that
only their user can enter, and outlive the process that started them.
"""

from __future__ import annotations

from drystone.embedded.redis_server import EmbeddedRedis, RedisStatus
from drystone.embedded.server import EmbeddedServer, ServerStatus

__all__ = ["EmbeddedRedis", "EmbeddedServer", "RedisStatus", "ServerStatus"]
