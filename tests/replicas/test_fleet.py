"""Which replica is read from, by what was seen of them; no server is needed."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from drystone.database.pool import Pool
from drystone.errors import (
    CheckViolation,
    ConnectionLost,
    DatabaseError,
    PoolTimeout,
    SerializationFailure,
    StatementTimeout,
)
from drystone.replicas.fleet import Fleet, Replica, State
from drystone.replicas.positions import Position, Sight
from drystone.settings import Settings

SETTINGS = Settings(replica_max_lag=10, replica_wait=1, replica_check_interval=1)


def sight(lsn: int, *, primary: bool = False, **changes: Any) -> Sight:
    usual: dict[str, Any] = {
        "system": "7",
        "database": "app",
        "in_recovery": not primary,
        "timeline": 1,
        "lsn": f"0/{lsn:X}",
        "page_size": 8192,
        "segment_size": 16 << 20,
    }
    return Sight(**{**usual, **changes})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until its only number is changed."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def fleet(clock: list[float]) -> Fleet[Pool]:
    """Three replicas that have replayed what the primary has written."""
    made: Fleet[Pool] = Fleet(SETTINGS)
    pool: Any = type("NoPool", (), {"name": "app"})
    made.replicas = [Replica(f"replica-{number}:5432", pool) for number in range(3)]
    made.saw_primary(sight(100, primary=True))
    for replica in made.replicas:
        made.saw(replica, sight(100))
    return made


def offered(fleet: Fleet[Pool], after: str | None = None) -> list[str]:
    position = Position.parse(after) if after else None
    return [replica.name for replica in fleet.offers(position)]


def test_reads_are_spread_and_the_busier_of_two_is_spared(fleet: Fleet[Pool]) -> None:
    counts = Counter(offered(fleet)[0] for _ in range(3000))
    assert all(700 < counts[replica.name] < 1300 for replica in fleet.replicas)
    busy = fleet.replicas[0]
    with fleet.reading(busy):
        assert busy.name not in {offered(fleet)[0] for _ in range(200)}


def test_without_a_primary_every_replica_is_offered(fleet: Fleet[Pool]) -> None:
    assert len(offered(fleet)) == 1
    fleet.saw_primary(None)
    assert len(set(offered(fleet))) == 3


def test_a_replica_is_as_late_as_what_it_lacks_is_old(
    fleet: Fleet[Pool], clock: list[float]
) -> None:
    replica = fleet.replicas[0]
    clock[0] += 300  # an idle primary
    fleet.saw_primary(sight(100, primary=True))
    fleet.saw(replica, sight(100))
    assert (replica.lag_seconds, replica.lag_bytes) == (0, 0)
    for second, written in enumerate((150, 200, 250), 1):
        clock[0] += 1
        fleet.saw_primary(sight(written, primary=True))
        fleet.saw(replica, sight(100))
        assert (replica.lag_seconds, replica.lag_bytes) == (second - 1, written - 100)
    fleet.saw(replica, sight(150))
    assert (replica.lag_seconds, replica.lag_bytes) == (1, 100)
    clock[0] += 9.5
    fleet.saw_primary(sight(250, primary=True))
    fleet.saw(replica, sight(150))
    assert replica.state is State.LAGGING


def test_what_was_not_seen_for_long_is_not_believed(
    fleet: Fleet[Pool], clock: list[float]
) -> None:
    clock[0] += 3.5
    assert offered(fleet) == []


def test_nobody_becomes_later_while_the_primary_is_away(
    fleet: Fleet[Pool], clock: list[float]
) -> None:
    clock[0] += 1
    fleet.saw_primary(sight(200, primary=True))
    fleet.saw_primary(None)
    clock[0] += 1000
    for replica in fleet.replicas:
        fleet.saw(replica, sight(100))
        assert replica.state is State.READY


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (sight(100), State.READY),
        (sight(100, system="8"), State.FOREIGN),
        (sight(100, database="other"), State.FOREIGN),
        (sight(100, timeline=2), State.FOREIGN),
        (sight(100, primary=True), State.PROMOTED),
        (None, State.DOWN),
    ],
)
def test_only_a_replica_of_the_primary_is_ready(
    fleet: Fleet[Pool], seen: Sight | None, state: State
) -> None:
    fleet.saw(fleet.replicas[0], seen)
    assert fleet.replicas[0].state is state


def test_after_a_promotion_those_that_follow_are_ready(fleet: Fleet[Pool]) -> None:
    """Of the old timeline even one that is further than the new primary."""
    first, second, third = fleet.replicas
    fleet.saw_primary(None)
    fleet.saw(first, sight(120, primary=True, timeline=2))
    fleet.saw(second, sight(120, timeline=2))
    assert [first.state, second.state] == [State.PROMOTED, State.READY]
    fleet.saw_primary(sight(120, primary=True, timeline=2))
    fleet.saw(second, sight(120, timeline=2))
    fleet.saw(third, sight(200))
    assert [second.state, third.state] == [State.READY, State.FOREIGN]
    assert set(offered(fleet, "7-2-0/78")) == {second.name}


def test_a_token_leads_to_whoever_has_got_that_far(
    fleet: Fleet[Pool], clock: list[float]
) -> None:
    first, second, third = fleet.replicas
    clock[0] += 1
    fleet.saw_primary(sight(200, primary=True))
    fleet.saw(first, sight(200))
    fleet.saw(second, sight(150))
    clock[0] += 1.5
    fleet.saw_primary(sight(200, primary=True))
    fleet.saw(third, sight(150))
    assert {offered(fleet, "7-1-0/C8")[0] for _ in range(50)} == {first.name}
    fleet.saw(first, None)  # then to one that may get there in time
    assert {offered(fleet, "7-1-0/C8")[0] for _ in range(50)} == {second.name}
    fleet.saw(second, None)
    assert offered(fleet, "7-1-0/C8") == []
    assert offered(fleet, "7-1-0/96") == [third.name]


@pytest.mark.parametrize(
    ("error", "blamed", "state"),
    [
        (ConnectionLost("gone"), True, State.DOWN),
        (PoolTimeout("busy"), True, State.DOWN),
        (SerializationFailure("conflict", sqlstate="40001"), True, State.READY),
        (DatabaseError("no table yet", sqlstate="42P01"), True, State.READY),
        (DatabaseError("bad page", sqlstate="XX001"), True, State.READY),
        (StatementTimeout("slow", sqlstate="57014"), False, State.READY),
        (CheckViolation("rule", sqlstate="23514"), False, State.READY),
        (DatabaseError("unknown"), False, State.READY),
    ],
)
def test_what_is_no_fault_of_the_replica_is_not_repeated(
    fleet: Fleet[Pool], error: DatabaseError, blamed: bool, state: State
) -> None:
    woken: list[bool] = []
    replica = fleet.replicas[0]
    replica.wake = lambda: woken.append(True)
    assert fleet.blames(replica, error) is blamed
    assert replica.state is state
    assert replica.faults == blamed
    assert bool(woken) is (state is State.DOWN)
