"""Names that come from outside, as identifiers of SQL."""

from __future__ import annotations

from psycopg import sql

from drystone.errors import BadInput

# NAMEDATALEN - 1: what is longer, PostgreSQL cuts off, and means another name.
_LONGEST_BYTES = 63


def identifier(*names: str) -> sql.Identifier:
    """Return ``sql.Identifier`` for names that may be anything.

    Raises BadInput for a name that would come to mean another one: an empty one, one
    with a NUL (libpq ends it there), or one of more than 63 bytes.
    """
    for name in names:
        if not name or "\0" in name:
            raise BadInput("a name is empty or holds a NUL")
        if len(name.encode(errors="surrogatepass")) > _LONGEST_BYTES:
            raise BadInput(f"a name is longer than {_LONGEST_BYTES} bytes")
    return sql.Identifier(*names)
