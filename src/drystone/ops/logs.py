"""Structured logs: JSON lines, each with the request that it belongs to.

A line holds no value of a parameter and no password. So an exception is told by its
type and by where it was raised: what the driver's own messages say may be of a row.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
import uuid
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

from drystone.errors import DrystoneError

# What the work at hand belongs to; the service sets it for each of its requests.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_WELL_FORMED = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

_Exception = (
    tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
)


def new_request_id(proposed: str | None = None) -> str:
    """Return the id that a caller proposed, if it is well-formed, or a new one."""
    if proposed is not None and _WELL_FORMED.fullmatch(proposed):
        return proposed
    return uuid.uuid4().hex


class JsonLines(JsonFormatter):
    """Formats a record as one line of JSON."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Begin with the time; add the request, unless the record names its own."""
        moment = datetime.fromtimestamp(record.created, UTC)
        log_data["timestamp"] = moment.isoformat().replace("+00:00", "Z")
        super().add_fields(log_data, record, message_dict)
        if (current := request_id.get()) is not None:
            log_data.setdefault("request_id", current)

    def formatException(self, ei: _Exception) -> str:  # noqa: N802
        """Tell an exception, and what caused it, without the driver's messages."""
        told = []
        error = ei[1]
        while error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            places = [f"{f.filename}:{f.lineno} in {f.name}" for f in frames]
            words = f": {error.message}" if isinstance(error, DrystoneError) else ""
            told.append("\n  ".join([f"{type(error).__qualname__}{words}", *places]))
            error = error.__cause__
        return "\nbecause of ".join(told)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes records as JSON lines, and lines that are JSON already."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(sys.stderr if stream is None else stream)
        self.setFormatter(JsonLines())

    def write_lines(self, lines: bytes) -> None:
        """Write whole lines in one go; where that fails, they are lost."""
        with self.lock or nullcontext(), suppress(OSError, ValueError):
            self.flush()
            if (raw := getattr(self.stream, "buffer", None)) is not None:
                raw.write(lines)
                raw.flush()
            else:
                self.stream.write(lines.decode())


def configure_logging(
    level: int = logging.INFO, *, stream: TextIO | None = None
) -> LineHandler:
    """Have this process log JSON lines, on stderr unless told otherwise.

    Replaces the handlers of the root logger; a service that has its own keeps them by
    not calling this, and takes :class:`JsonLines` as a formatter if it likes.
    """
    handler = LineHandler(stream)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    return handler
