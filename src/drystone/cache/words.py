"""What the cache says to Redis: its keys, its scripts, and a value's form.

A value carries the generation it belongs to and, for each of its tags, the token that
the tag had before its query was run. It is served only as long as the lease is of the
same generation and every tag still has that token; the script that reads it looks at
all of them at once. To invalidate a tag is to delete its token: the next reader makes
another. So a token that is lost, for whatever reason, costs a query and nothing else.

Scripts are sent whole: they are short, and a server that has forgotten them needs no
second attempt.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from drystone.cache.queries import CachedCall
from drystone.redis.links import Answers, Command

# Longer than any value lives, so that a tag is not forgotten before its values.
_TAG_TTL_MS = 8 * 86_400_000
_LOCK_MS = 5_000
_RENEWING_MS = 2_000

_SEPARATOR = "\t"

_HEADER = """
local function header_of(value)
    if not value then return '' end
    return string.sub(value, 1, (string.find(value, '\\n', 1, true) or 1) - 1)
end
"""

_READ = (
    _HEADER
    + """
local lease = redis.call('GET', KEYS[2])
if not lease then return {} end
local value = redis.call('GET', KEYS[1])
if not value then return {lease} end
local header = header_of(value)
local names, tokens, generation = {}, {}, nil
for part in string.gmatch(header, '[^\\t]+') do
    if not generation then generation = part
    elseif #names == #tokens then names[#names + 1] = ARGV[1] .. part
    else tokens[#tokens + 1] = part end
end
local valid = generation == string.match(lease, '^[^#]*')
if valid and #names > 0 then
    local found = redis.call('MGET', unpack(names))
    for i = 1, #tokens do valid = valid and found[i] == tokens[i] end
end
if not valid then return {lease, header} end
return {lease, header, string.sub(value, #header + 2)}
"""
)

_BEGIN = (
    _HEADER
    + """
local lease = redis.call('GET', KEYS[1])
if not lease then return {} end
if header_of(redis.call('GET', KEYS[3])) ~= ARGV[5] then return {lease} end
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
    and redis.call('GET', KEYS[2]) ~= ARGV[1] then return {lease} end
local tokens = {}
for i = 4, #KEYS do
    local token = redis.call('GET', KEYS[i])
    if token then redis.call('PEXPIRE', KEYS[i], ARGV[4])
    else
        token = ARGV[3]
        redis.call('SET', KEYS[i], token, 'PX', ARGV[4])
    end
    tokens[#tokens + 1] = token
end
return {lease, tokens}
"""
)

_STORE = """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if redis.call('GET', KEYS[2]) == ARGV[3] then redis.call('DEL', KEYS[2]) end
return 1
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Found(NamedTuple):
    """What is cached for a call. Without a lease nothing may be served.

    ``data`` is a valid value's. ``header`` is that of whatever is there, valid or not.
    """

    lease: str | None
    header: bytes = b""
    data: bytes | None = None

    @property
    def tags(self) -> list[str]:
        """The tags of the value that is there: likely those of the next one."""
        return self.header.decode(errors="replace").split(_SEPARATOR)[1::2]


class Begun(NamedTuple):
    """What a filler needs before it asks the database; no tokens: another one fills."""

    lease: str | None
    tokens: Mapping[str, str] | None


class Vocabulary:
    """The commands of one database's cache; ``prefix`` begins every key."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._tag = f"{prefix}tag:"
        self._lease = f"{prefix}lease"
        self._generation = f"{prefix}generation"
        self._renewing = f"{prefix}renewing"

    # --- Values ---------------------------------------------------------------------

    def read(self, call: CachedCall) -> Command:
        """Ask for a call's value; see :meth:`found`."""
        value = self._value(call)
        return ("EVAL", _READ, 2, value, self._lease, self._tag)

    def found(self, answers: Answers) -> Found:
        """Understand the answer to :meth:`read`."""
        reply = answers.values[0]
        lease = _current(reply, answers.run_id)
        return Found(lease) if lease is None else Found(lease, *reply[1:])

    def begin(
        self, call: CachedCall, tags: list[str], ticket: str, header: bytes
    ) -> Command:
        """Take the call's lock and get tokens of tags, which are made if missing.

        Unless there is another value by now than the one with the ``header``.

        Whoever holds the lock by the same ticket may ask again. A new token is never
        one of before, not even of the same filler: somebody else may have read that.
        """
        own = (self._lease, self._lock(call), self._value(call))
        keys = [*own, *(self._tag + tag for tag in tags)]
        token = secrets.token_hex(8)
        rest = (ticket, _LOCK_MS, token, _TAG_TTL_MS, header)
        return ("EVAL", _BEGIN, len(keys), *keys, *rest)

    def begun(self, answers: Answers, tags: list[str]) -> Begun:
        """Understand the answer to :meth:`begin`."""
        reply = answers.values[0]
        lease = _current(reply, answers.run_id)
        if lease is None or len(reply) < 2:
            return Begun(lease, None)
        tokens = [token.decode() for token in reply[1]]
        return Begun(lease, dict(zip(tags, tokens, strict=True)))

    def store(
        self,
        call: CachedCall,
        ticket: str,
        lease: str,
        tokens: Mapping[str, str],
        data: bytes,
        ttl: float,
    ) -> Command:
        """Store a value, and give the lock back.

        Whether the lock was lost meanwhile does not matter: the tokens tell what the
        value is worth.
        """
        parts = [generation_of(lease)]
        for tag, token in tokens.items():
            parts += [tag, token]
        header = _SEPARATOR.join(parts).encode()
        keys = (self._value(call), self._lock(call))
        value = b"%b\n%b" % (header, data)
        return ("EVAL", _STORE, 2, *keys, value, max(1, round(ttl * 1000)), ticket)

    def release(self, call: CachedCall, ticket: str) -> Command:
        """Give the lock back."""
        return ("EVAL", _RELEASE, 1, self._lock(call), ticket)

    def invalidate(self, tags: Iterable[str]) -> Command:
        """Make everything with one of the tags stale."""
        return ("UNLINK", *(self._tag + tag for tag in sorted(set(tags))))

    # --- The lease --------------------------------------------------------------------

    def begin_lease(self, ticket: str) -> list[Command]:
        """Ask to be who extends the lease; and for the time, and the generation."""
        return [
            ("SET", self._renewing, ticket, "NX", "PX", _RENEWING_MS),
            ("TIME",),
            ("GET", self._generation),
        ]

    def give_up_lease(self) -> Command:
        """Let somebody else extend the lease."""
        return ("DEL", self._renewing)

    def grant_lease(self, generation: str, until_ms: int) -> list[Command]:
        """Let values of a generation be served until a time of Redis's clock."""
        lease = f"{generation}#{secrets.token_hex(4)}"
        return [
            ("SET", self._generation, generation),
            ("SET", self._lease, lease, "PXAT", until_ms),
            ("DEL", self._renewing),
        ]

    def _value(self, call: CachedCall) -> str:
        return f"{self.prefix}value:{call.key}"

    def _lock(self, call: CachedCall) -> str:
        return f"{self.prefix}lock:{call.key}"


def generation_of(lease: str) -> str:
    """Return a lease's generation, which outlives it."""
    return lease.partition("#")[0]


def continued(generation: bytes | None, era: str) -> str:
    """Return the generation if it is of this era, or else one that nothing belongs to.

    ``era`` begins with the run of Redis: one that was restarted may have forgotten what
    made its values stale.
    """
    if generation is not None and generation.decode().startswith(f"{era}."):
        return generation.decode()
    return f"{era}.{secrets.token_hex(8)}"


def _current(reply: list[bytes], run_id: str) -> str | None:
    """Return the lease, unless an earlier run of Redis was granted it."""
    lease = reply[0].decode() if reply else None
    return lease if lease and lease.startswith(f"{run_id}.") else None
