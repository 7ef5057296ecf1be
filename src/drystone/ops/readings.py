"""Values that are read anew now and then, by one thread at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")

logger = logging.getLogger(__name__)


class Reading(Generic[Value]):
    """The last value that a function returned, and when.

    However many ask, it is called once at a time; whoever has waited long enough goes
    on without it. A value counts for ``max_age`` seconds.
    """

    def __init__(self, read: Callable[[], Value], *, max_age: float) -> None:
        self._read = read
        self._max_age = max_age
        self._value: Value | None = None
        self._until = 0.0
        self._running = False
        self._changed = threading.Condition()

    def fresh(self, *, wait: float) -> Value | None:
        """Return a value that still counts, or None if there is none in time."""
        with self._changed:
            if time.monotonic() < self._until:
                return self._value
            if not self._running:
                self._running = True
                # A daemon: a server that swallows packets must not keep the process.
                threading.Thread(target=self._renew, daemon=True).start()
            self._changed.wait_for(lambda: not self._running, timeout=wait)
            return self._value if time.monotonic() < self._until else None

    def latest(self, *, wait: float) -> Value | None:
        """Return the last value, however old, after asking for a new one."""
        value = self.fresh(wait=wait)
        return self._value if value is None else value

    def _renew(self) -> None:
        value = None
        try:
            value = self._read()
        except Exception:
            logger.exception("a reading failed")
        finally:
            with self._changed:
                self._running = False
                if value is not None:
                    self._value = value
                    self._until = time.monotonic() + self._max_age
                self._changed.notify_all()
