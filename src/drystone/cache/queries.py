"""Queries whose results are cached: for how long, and what makes them stale."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from urllib.parse import quote

from psycopg import Connection

from drystone.cache.codec import Codec
from drystone.errors import BadInput
from drystone.queries.runtime import Statement, call_of

_parse = Formatter().parse

P = ParamSpec("P")
Result = TypeVar("Result")

# Times to live, in seconds: of what changes often, of what seldom does, of reports.
SHORT = 300
MEDIUM = 1800
LONG = 3600
DAY = 86400

# A tag of every value.
EVERYTHING = "*"

_LONGEST_TTL = 7 * DAY
_LONGEST_TAG = 400


@dataclass(frozen=True, eq=False)
class CachedQuery(Generic[P, Result]):
    """A generated function whose results may come from a cache.

    ``tags`` name what makes a result stale: whoever changes it invalidates them. In
    braces stand parameters: ``"cart:{user_id}"``. ``tags_of`` returns further ones,
    known only from the result, such as ``product:7`` of a product found by its slug; it
    is not called for None. A result is served for ``ttl`` seconds at most.
    """

    function: Callable[Concatenate[Connection[Any], P], Result]
    ttl: float
    tags: Sequence[str] = ()
    tags_of: Callable[[Any], Iterable[str]] | None = None
    # A function has several statements if parts of it may be left out.
    _versions: dict[Statement[Any], str] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        if not 0 < self.ttl <= _LONGEST_TTL:
            raise BadInput(
                f"a result cannot be cached for {self.ttl} seconds",
                hint=f"ttl is more than 0 and at most {_LONGEST_TTL} seconds.",
            )
        if isinstance(self.tags, str):
            raise BadInput("tags are a list of tags, not one text")
        if not self.tags and self.tags_of is None:
            raise BadInput(
                "a cached query needs a tag: without one nothing makes it stale",
                hint="Name the table or the thing it is about: tags=['categories'].",
            )
        # A type that cannot be held is an error here, not at the first reader's.
        self.codec  # noqa: B018

    @cached_property
    def codec(self) -> Codec:
        """How results are written."""
        return Codec(_result_type(self.function))

    def call(self, values: Sequence[Any], parameters: Mapping[str, Any]) -> CachedCall:
        """Return the query with its parameters; runs nothing."""
        call = call_of(self.function, *values, **parameters)
        name = call.statement.name
        digest = hashlib.blake2b(digest_size=16)
        for value in call.values:
            part = _canonical(value).encode(errors="surrogatepass")
            digest.update(b"%d:%b" % (len(part), part))
        key = f"{name}:{self._version(call.statement)}:{digest.hexdigest()}"
        return CachedCall(key, name, self._static_tags(parameters))

    def result_tags(self, result: Any) -> frozenset[str]:
        """Return the tags that are known from the result."""
        if result is None or self.tags_of is None:
            return frozenset()
        return frozenset(written_tag(tag) for tag in self.tags_of(result))

    def _version(self, statement: Statement[Any]) -> str:
        """Return what changes with the query's SQL and with its rows' type."""
        version = self._versions.get(statement)
        if version is None:
            text = b"\0".join([statement.definition, self.codec.signature.encode()])
            version = hashlib.blake2b(text, digest_size=8).hexdigest()
            self._versions[statement] = version
        return version

    def _static_tags(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        try:
            own = [
                written_tag(tag.format_map(parameters) if "{" in tag else tag)
                for tag in self.tags
            ]
        except (KeyError, IndexError):
            wanted = [name for tag in self.tags for _, name, *_ in _parse(tag)]
            raise BadInput(
                f"a tag of the cached query {self.function.__name__} names a parameter"
                f" that was not given by name: {', '.join(filter(None, wanted))}",
                hint="Pass it by name, and write it as it is called in the function.",
            ) from None
        return (EVERYTHING, *own)


@dataclass(frozen=True, slots=True)
class CachedCall:
    """A cached query with its parameters: where its result is, and its tags."""

    key: str
    name: str
    tags: tuple[str, ...]


def written_tag(tag: str) -> str:
    """Return a tag as it is written in Redis; raises BadInput for one that is none."""
    written = quote(tag, safe=":/@.,;=+*{}[]()|!$&'")
    if not tag or len(written) > _LONGEST_TAG:
        raise BadInput(
            f"a tag has 1 to {_LONGEST_TAG} characters",
            hint="Name the thing that changes, by its id: product:7.",
        )
    return written


def _result_type(function: Callable[..., Any]) -> Any:
    """Return what a generated function returns for a connection that is not async."""
    try:
        stated = get_type_hints(function)["return"]
    except (KeyError, NameError, TypeError):
        raise BadInput(
            f"{function!r} does not state what it returns, so its results cannot be"
            " cached",
            hint="Cache functions that `drystone generate` writes.",
        ) from None
    if get_origin(stated) not in (Union, types.UnionType):
        return stated
    kinds = [kind for kind in get_args(stated) if get_origin(kind) is not Awaitable]
    return Union[tuple(kinds)]  # noqa: UP007 - of as many as there are


def _canonical(value: Any) -> str:
    """Write a parameter so that no two that differ are written alike."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    elif hasattr(value, "to_list"):
        value = value.to_list()
    kind = type(value)
    if isinstance(value, Mapping):
        inner = [f"{_canonical(k)}={_canonical(v)}" for k, v in value.items()]
        return f"{{{','.join(inner)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_canonical, value))}]"
    return f"{kind.__module__}.{kind.__qualname__}({value!r})"
