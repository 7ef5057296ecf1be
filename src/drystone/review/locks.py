"""PostgreSQL's table-level locks: what each mode blocks, and which are dangerous.

Source: PostgreSQL's documentation, "Explicit Locking", table 13.2.
"""

from __future__ import annotations

from enum import StrEnum


class LockMode(StrEnum):
    """A table-level lock mode, weakest first, named as in SQL."""

    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

    @property
    def rank(self) -> int:
        """Its place among the modes: 0 is the weakest."""
        return list(LockMode).index(self)

    def conflicts(self, other: LockMode) -> bool:
        """Tell whether two sessions cannot hold the two modes at once."""
        return other in _CONFLICTS[self]

    @property
    def blocks_reads(self) -> bool:
        """Whether SELECT waits."""
        return self.conflicts(LockMode.ACCESS_SHARE)

    @property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE and DELETE wait."""
        return self.conflicts(LockMode.ROW_EXCLUSIVE)

    @property
    def blocks_vacuum(self) -> bool:
        """Whether VACUUM and ANALYZE wait."""
        return self.conflicts(LockMode.SHARE_UPDATE_EXCLUSIVE)

    @property
    def dangerous(self) -> bool:
        """Whether clients wait for it: readers or writers."""
        return self.blocks_writes


_AS, _RS, _RE, _SUE, _S, _SRE, _E, _AE = LockMode

_CONFLICTS: dict[LockMode, frozenset[LockMode]] = {
    _AS: frozenset({_AE}),
    _RS: frozenset({_E, _AE}),
    _RE: frozenset({_S, _SRE, _E, _AE}),
    _SUE: frozenset({_SUE, _S, _SRE, _E, _AE}),
    _S: frozenset({_RE, _SUE, _SRE, _E, _AE}),
    _SRE: frozenset({_RE, _SUE, _S, _SRE, _E, _AE}),
    _E: frozenset({_RS, _RE, _SUE, _S, _SRE, _E, _AE}),
    _AE: frozenset(LockMode),
}
