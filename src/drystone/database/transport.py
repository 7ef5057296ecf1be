"""What is wrong with the way to a server: who may listen, and who may pose as it."""

from __future__ import annotations

import ipaddress
import os

from psycopg.conninfo import conninfo_to_dict

# libpq's default encrypts if the server offers it, and does without if it does not.
_DEFAULT_MODE = "prefer"
_IN_CLEAR = ("disable", "allow", "prefer")


def transport_problems(conninfo: str) -> list[str]:
    """Return sentences, one for each host over a network that TLS does not protect.

    Sockets and loopback addresses need no TLS. Anything but ``verify-full`` leaves a
    gap: without verification whoever sits between can pose as the server.
    """
    parts = conninfo_to_dict(conninfo)
    mode = str(parts.get("sslmode") or os.environ.get("PGSSLMODE") or _DEFAULT_MODE)
    if mode == "verify-full":
        return []
    if mode in _IN_CLEAR:
        problem = "rows, and all that is asked, may travel in the clear"
    elif mode == "verify-ca":
        problem = "any server with a certificate of the same authority is believed"
    else:
        problem = "it is encrypted, but any server is believed"
    return [
        f"{host}: {problem} (sslmode={mode}); set sslmode=verify-full and sslrootcert"
        for host in _hosts(parts.get("host"), parts.get("hostaddr"))
        if not _is_local(host)
    ]


def _hosts(names: object, addresses: object) -> list[str]:
    """Return what is connected to; addresses win over the names they stand for."""
    listed = str(addresses or names or os.environ.get("PGHOST") or "")
    return [host.strip() for host in listed.split(",")]


def _is_local(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
