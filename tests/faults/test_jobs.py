"""Jobs while relay, workers and Redis are killed: each takes effect once.

Order is kept in this sense: of one writer's jobs with the same queue and priority, an
earlier one is never added to Redis after a later one, counting the first time that each
is added. What workers make of that order is theirs: several at a time overtake each
other, and what was at hand when something was killed is done later.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from psycopg import Connection
from redis import Redis

from drystone.database.session import connect
from drystone.settings import Settings
from drystone.systems.core import outbox
from tests.redis_faults import MortalRedis

from .conftest import Launch, Process

QUEUES = ("email", "analytics")
WRITERS = 2
# An emptied Redis is the hardest: one kill in six.
VICTIMS = ("relay", "relay", "worker", "worker", "redis", "emptied redis")
PATIENCE = 300.0


@pytest.fixture
def database(database_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A database where leases are short, and asked for and done jobs are noted."""
    with connect(database_url, settings) as connection:
        connection.execute(
            """
            CREATE TABLE asked (
                job_id text PRIMARY KEY,
                queue text,
                priority integer,
                writer integer,
                number integer
            )
            """
        )
        connection.execute("CREATE TABLE effects (job_id text NOT NULL)")
        connection.execute(
            "UPDATE core.queues SET lease_s = 1, backoff_ms = 50, max_active = 20"
        )
        yield connection


@dataclass
class Additions:
    """Which jobs were added to Redis in which order, as far as its memory reaches."""

    redis: Redis
    first: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    known: set[str] = field(default_factory=set)

    def remember_all(self) -> None:
        """Let Redis keep all its events, from now on."""
        for queue in QUEUES:
            self.redis.hset(f"bull:{queue}:meta", "opts.maxLenEvents", 10**7)

    def read(self) -> None:
        for queue in QUEUES:
            events: Any = self.redis.xrange(f"bull:{queue}:events")
            for _, event in events:
                if event["event"] == "added" and event["jobId"] not in self.known:
                    self.known.add(event["jobId"])
                    self.first[queue].append(event["jobId"])


class Chaos:
    """Writers, relays, workers and a Redis, of which one is killed now and then."""

    def __init__(
        self,
        database: Connection[Any],
        redis: MortalRedis,
        launch: Launch,
        chance: random.Random,
    ) -> None:
        self.database = database
        self.redis = redis
        self.chance = chance
        self.killed: dict[str, int] = defaultdict(int)
        client = Redis.from_url(redis.url, decode_responses=True)
        self.additions = Additions(client)
        self.additions.remember_all()
        environment = {
            "DATABASE_URL": database.info.dsn,
            "REDIS_URL": redis.url,
            "DRYSTONE_RELAY_BATCH_SIZE": "50",
            "DRYSTONE_RELAY_INTERVAL": "0.02",
        }
        self.relays = [launch("relay", **environment) for _ in range(2)]
        self.workers = [
            launch("worker", "tests.faults.handlers:registry", **environment)
            for _ in range(2)
        ]
        self._numbers = [0] * WRITERS

    def run(self, *, jobs: int, kills: int) -> None:
        """Write jobs in as many parts as there are kills, and kill in each part."""
        part = -(-jobs // (kills * WRITERS))
        victims = [VICTIMS[n % len(VICTIMS)] for n in range(kills)]
        self.chance.shuffle(victims)
        with ThreadPoolExecutor(WRITERS) as writers:
            for victim in victims:
                writing = [
                    writers.submit(self._write, writer, part, self.chance.random())
                    for writer in range(WRITERS)
                ]
                time.sleep(self.chance.uniform(0.2, 1.2))
                self._kill(victim)
                _finish(writing)
        self._wait()
        self.additions.read()
        self.additions.redis.close()

    def _write(self, writer: int, count: int, seed: float) -> None:
        """Enqueue jobs in transactions of a few; some of these are rolled back."""
        chance = random.Random(seed)
        dsn = self.database.info.dsn
        with connect(dsn, Settings()) as connection:
            while count > 0:
                size = min(count, chance.randint(1, 20))
                undo = chance.random() < 0.1
                with connection.transaction(force_rollback=undo):
                    for _ in range(size):
                        self._numbers[writer] += 1
                        self._ask(connection, writer, chance)
                count -= 0 if undo else size

    def _ask(
        self, connection: Connection[Any], writer: int, chance: random.Random
    ) -> None:
        number = self._numbers[writer]
        queue = chance.choice(QUEUES)
        priority = chance.choice([1, 3, 5])
        fail = chance.random() < 0.02
        job = outbox.enqueue_outbox(
            connection,
            queue=queue,
            name="task",
            payload={"writer": writer, "number": number, "fail": fail},
            priority=priority,
        )
        connection.execute(
            "INSERT INTO asked VALUES (%s, %s, %s, %s, %s)",
            [str(job), queue, priority, writer, number],
        )

    def _kill(self, victim: str) -> None:
        self.killed[victim] += 1
        if victim == "relay":
            self.chance.choice(self.relays).kill()
        elif victim == "worker":
            self.chance.choice(self.workers).kill()
        else:
            self.additions.read()
            self.redis.kill()
            if victim == "emptied redis":
                self.redis.forget()
            time.sleep(self.chance.uniform(0, 0.5))
            self.redis.start()
            self.additions.remember_all()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.rows("SELECT 1 FROM core.outbox LIMIT 1"):
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.1)

    def rows(self, statement: str) -> list[Any]:
        return self.database.execute(statement.encode()).fetchall()

    def told(self) -> str:
        return "\n".join(each.told() for each in self.processes)

    @property
    def processes(self) -> list[Process]:
        return [*self.relays, *self.workers]


def _finish(futures: list[Future[None]]) -> None:
    for each in futures:
        each.result()


@pytest.mark.parametrize(
    ("jobs", "kills"),
    [
        pytest.param(300, 6, id="300 jobs"),
        pytest.param(20_000, 60, id="20000 jobs", marks=pytest.mark.long),
    ],
)
def test_each_job_takes_effect_once_whatever_is_killed(
    database: Connection[Any],
    redis: MortalRedis,
    launch: Launch,
    chance: random.Random,
    jobs: int,
    kills: int,
    record_property: Any,
) -> None:
    """003-14"""
    begin = time.monotonic()
    chaos = Chaos(database, redis, launch, chance)
    chaos.run(jobs=jobs, kills=kills)
    record_property("killed", dict(chaos.killed))
    ((asked,),) = chaos.rows("SELECT count(*) FROM asked")
    assert asked >= jobs
    wrong = chaos.rows(
        """
        SELECT asked.job_id, effects.job_id
        FROM asked
        FULL JOIN effects
            ON effects.job_id = asked.job_id
        WHERE asked.job_id IS NULL OR effects.job_id IS NULL
        """
    )
    assert wrong == [], "lost, or done though it was rolled back"
    assert chaos.rows("SELECT count(*) FROM effects") == [(asked,)], "done twice"
    receipts = "SELECT state::text, count(*) FROM core.job_receipts GROUP BY 1"
    assert chaos.rows(receipts) == [("completed", asked)]
    assert out_of_order(chaos) == []
    for process in chaos.processes:
        assert process.end() == 0
        assert "Traceback" not in process.told()
    print(  # noqa: T201 -- the figures, with -s or a failure
        f"{asked} jobs, {sum(chaos.killed.values())} kills {dict(chaos.killed)},"
        f" {time.monotonic() - begin:.0f} s;"
        f" {len(chaos.additions.known)} additions were seen"
    )


def out_of_order(chaos: Chaos) -> list[str]:
    """Return the jobs that got to Redis after a later one of their kind."""
    asked = {
        job: (priority, writer, number)
        for job, priority, writer, number in chaos.rows(
            "SELECT job_id, priority, writer, number FROM asked"
        )
    }
    late = []
    for added in chaos.additions.first.values():
        newest: dict[tuple[int, int], int] = defaultdict(int)
        for job in added:
            priority, writer, number = asked[job]
            if number < newest[priority, writer]:
                late.append(job)
            newest[priority, writer] = number
    return late


def test_killed_relays_leave_the_order_of_the_outbox_in_redis(
    database: Connection[Any],
    redis: MortalRedis,
    launch: Launch,
    chance: random.Random,
) -> None:
    database.execute(
        "INSERT INTO core.outbox (queue, name, payload)"
        " SELECT 'email', 'task', '{}' FROM generate_series(1, 5000)"
    )
    relay = launch(
        "relay",
        DATABASE_URL=database.info.dsn,
        REDIS_URL=redis.url,
        DRYSTONE_RELAY_BATCH_SIZE="10",
    )
    unsent = "SELECT 1 FROM core.outbox WHERE batch IS NULL LIMIT 1"
    with Redis.from_url(redis.url, decode_responses=True) as client:
        for share in (1, 1000, 2500, 4000):
            while len(client.keys("bull:email:*-*-*-*-*")) < share:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.05))
            relay.kill()
        deadline = time.monotonic() + PATIENCE
        while database.execute(unsent).fetchall():
            assert time.monotonic() < deadline, relay.told()
            time.sleep(0.05)
        ids = client.zrange("bull:email:prioritized", 0, -1)
    expected = database.execute("SELECT id::text FROM core.outbox ORDER BY position")
    assert ids == [row[0] for row in expected]
