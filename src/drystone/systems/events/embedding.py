"""Embed text by feature hashing: real, if modest, semantics without a model.

Every word owns one slot in each of eight blocks of the vector, and a sign in each of
these slots; texts that share words therefore point the same way, and unrelated texts
are nearly orthogonal (Weinberger et al., "Feature Hashing for Large Scale Multitask
Learning", 2009). Counting is done in integers, and only the last step divides, so that
a text has the same vector, to the bit, on every machine, and on every Python whose
Unicode tables know its characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

DIMENSIONS: Final = 1536
MAX_CHARACTERS: Final = 8000

_BLOCKS: Final = 8
_BLOCK_SIZE: Final = DIMENSIONS // _BLOCKS
_BYTES_PER_BLOCK: Final = 4

# What one occurrence of a word adds to each of its slots. Stop words keep a little
# weight, so that a text made of nothing else still has a direction.
_WORD_WEIGHT: Final = 256
_STOP_WORD_WEIGHT: Final = 8

_WORD: Final = re.compile(r"[^\W_]+")

_STOP_WORD_LIST: Final = """
a about after again all also an and any are as at be because been before being
between both but by can could did do does doing down during each few for from
further had has have having he her here him his how i if in into is it its just
me more most my no nor not now of off on once only or other our out over own same
she should so some such than that the their them then there these they this those
through to too under until up very was we were what when where which while who
whom why will with would you your
"""
_STOP_WORDS: Final = frozenset(_STOP_WORD_LIST.split())


def embed(text: str) -> NDArray[np.float32]:
    """Embed a text as one float32 vector of shape (1536,) and length 1.

    Texts near in cosine distance share words; the order of the words is ignored, and
    a word that comes n times counts sqrt(n) times. Scripts that write no blanks
    between words are hashed a run of letters at a time. Only the first 8,000
    characters count; raise ValueError when they hold nothing but blanks. The result
    is never the zero vector.
    """
    return normalise(count_features(text))


def count_features(text: str) -> NDArray[np.int64]:
    """Count a text's words into the signed slots: int64, shape (1536,), not zero.

    Counts may be added up, with whole-number weights, before `normalise` makes a
    vector of them. Raise ValueError when the part of the text that counts is blank.
    """
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower().strip()
    if not folded:
        raise ValueError(
            "an embedding needs a text with at least one character that is not blank; "
            "store NULL for a row without text"
        )
    counts = Counter(_stem(word) for word in _WORD.findall(folded))
    if counts:
        slots = np.concatenate([_slots(word)[0] for word in counts])
        signs = np.concatenate([_slots(word)[1] for word in counts])
        weights = np.repeat([_weight(*item) for item in counts.items()], _BLOCKS)
        # bincount adds in float64, which is exact for whole numbers below 2**53.
        sums = np.bincount(slots, weights=signs * weights, minlength=DIMENSIONS)
        if sums.any():
            return sums.astype(np.int64)
    # Punctuation alone, or words that cancel each other out: one feature for the whole.
    features = np.zeros(DIMENSIONS, dtype=np.int64)
    whole_slots, whole_signs = _slots(folded)
    features[whole_slots] = whole_signs * _WORD_WEIGHT
    return features


def normalise(features: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scale counts, or rows of counts, to float32 vectors of length 1.

    Takes shape (1536,) or (n, 1536); no row may be zero. The sum of squares is taken
    in int64 and must stay below 2**63, so counts may reach about 7 * 10**7.
    """
    squares = np.sum(features * features, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = (features / np.sqrt(squares)).astype(np.float32)
    return unit


def _stem(word: str) -> str:
    """Fold an English plural's final s, and nothing more ambitious."""
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _weight(word: str, count: int) -> int:
    each = _STOP_WORD_WEIGHT if word in _STOP_WORDS else _WORD_WEIGHT
    return round(each * sqrt(count))


@lru_cache(maxsize=1 << 16)
def _slots(word: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a word's slots, one in each block, and its sign in each of them."""
    digest = blake2b(
        word.encode("utf-8", "surrogatepass"),
        digest_size=_BLOCKS * _BYTES_PER_BLOCK,
    ).digest()
    numbers = np.frombuffer(digest, dtype="<u4").astype(np.int64)
    slots = (numbers >> 1) % _BLOCK_SIZE + np.arange(_BLOCKS) * _BLOCK_SIZE
    signs = 1 - 2 * (numbers & 1)
    slots.flags.writeable = signs.flags.writeable = False
    return slots, signs
