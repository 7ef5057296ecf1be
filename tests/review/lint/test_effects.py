"""What lint says a statement does to rows and locks is what PostgreSQL does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.migrations.statements import Statement, parse
from drystone.review.lint.hazards.effects import Work, effects
from drystone.review.lint.hazards.look import Look
from drystone.review.lint.locking import documented_locks
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.replay import replay
from drystone.review.locks import LockMode
from drystone.settings import Settings

SETUP = """
CREATE TABLE public.r (id bigint PRIMARY KEY, x int);
CREATE FUNCTION public.calm() RETURNS int STABLE RETURN 1;
CREATE FUNCTION public.wild() RETURNS int VOLATILE RETURN random()::int;
CREATE DOMAIN public.positive AS int CHECK (VALUE > 0);
CREATE DOMAIN public.plain AS int;
CREATE TABLE public.t (
    id int NOT NULL,
    v varchar(10),
    w varchar,
    s text,
    n numeric(8, 2),
    u numeric,
    c char(4),
    b varbit(8),
    at timestamp(3),
    z timestamptz,
    a varchar(5)[],
    ip cidr,
    checked varchar(10) CHECK (checked <> ''),
    partly varchar(10),
    sorted varchar(10),
    proven int,
    nothing int,
    own oid,
    r_id bigint,
    g int GENERATED ALWAYS AS (1) STORED
);
CREATE INDEX t_v ON public.t (v);
CREATE INDEX t_partly ON public.t (id) WHERE partly = 'x';
CREATE INDEX t_sorted ON public.t (sorted);
CREATE INDEX t_s ON public.t (s);
CREATE UNIQUE INDEX t_id ON public.t (id);
CREATE UNIQUE INDEX t_proven_id ON public.t (proven);
CREATE UNIQUE INDEX t_nothing ON public.t (nothing);
ALTER TABLE public.t ADD CONSTRAINT t_proven CHECK (proven IS NOT NULL);
ALTER TABLE public.t ADD CONSTRAINT t_later CHECK (proven > 0) NOT VALID;
ALTER TABLE public.t ADD CONSTRAINT t_pending NOT NULL nothing NOT VALID;
ALTER TABLE public.t ADD CONSTRAINT t_r
    FOREIGN KEY (r_id) REFERENCES public.r NOT VALID;
CREATE TABLE public.p (id int, x int) PARTITION BY LIST (id);
CREATE TABLE public.p1 (id int, x int);
CREATE TABLE public.p2 (id int NOT NULL, x int, CONSTRAINT two CHECK (id = 2));
CREATE TABLE public.p3 PARTITION OF public.p FOR VALUES IN (3);
CREATE TABLE public.big (
    id int,
    x int,
    s text,
    own public.plain,
    r_id bigint CONSTRAINT big_r REFERENCES public.r
) PARTITION BY LIST (id);
CREATE TABLE public.big_1 PARTITION OF public.big FOR VALUES IN (1)
    PARTITION BY LIST (x);
CREATE TABLE public.big_11 PARTITION OF public.big_1 FOR VALUES IN (1);
CREATE TABLE public.big_2 PARTITION OF public.big FOR VALUES IN (2);
CREATE TABLE public.big_0 PARTITION OF public.big DEFAULT PARTITION BY LIST (x);
CREATE TABLE public.big_01 PARTITION OF public.big_0 DEFAULT;
CREATE INDEX big_x ON public.big (x);
CREATE TABLE public.wide (LIKE public.big) PARTITION BY LIST (x);
CREATE TABLE public.wide_1 PARTITION OF public.wide DEFAULT;
CREATE TABLE public.base (id int, x int CONSTRAINT base_x CHECK (x > 0));
CREATE TABLE public.heir () INHERITS (public.base);
CREATE TABLE public.pr (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE public.pr_1 PARTITION OF public.pr FOR VALUES IN (1);
CREATE TABLE public.to_pr (id int CONSTRAINT to_pr_key REFERENCES public.pr);
CREATE MATERIALIZED VIEW public.mv AS SELECT r.id FROM public.r;
CREATE UNIQUE INDEX mv_id ON public.mv (id);
CREATE VIEW public.vw AS SELECT r.id FROM public.r;
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
"""

ALTERATIONS = """
ADD COLUMN x int
ADD COLUMN x int DEFAULT 1
ADD COLUMN x int NOT NULL DEFAULT 1
ADD COLUMN x timestamptz DEFAULT now()
ADD COLUMN x timestamptz DEFAULT clock_timestamp()
ADD COLUMN x uuid DEFAULT gen_random_uuid()
ADD COLUMN x int DEFAULT public.calm()
ADD COLUMN x int DEFAULT public.wild()
ADD COLUMN x text DEFAULT lower('A')
ADD COLUMN x serial
ADD COLUMN x int GENERATED ALWAYS AS IDENTITY
ADD COLUMN x int GENERATED ALWAYS AS (id + 1) STORED
ADD COLUMN x int GENERATED ALWAYS AS (id + 1) VIRTUAL
ADD COLUMN x public.positive
ADD COLUMN x public.plain
ADD COLUMN x int UNIQUE
ADD COLUMN x int CHECK (x > 0)
ADD COLUMN x bigint REFERENCES public.r
DROP COLUMN s
ADD CHECK (id > 0)
ADD CONSTRAINT k CHECK (id > 0) NOT VALID
ADD CONSTRAINT k CHECK (id > 0) NOT ENFORCED
ADD CONSTRAINT k NOT NULL u
ADD CONSTRAINT k NOT NULL u NOT VALID
ADD CONSTRAINT k NOT NULL proven
ADD FOREIGN KEY (r_id) REFERENCES public.r
ADD FOREIGN KEY (r_id) REFERENCES public.r NOT VALID
ADD UNIQUE (u)
ADD PRIMARY KEY (id)
ADD UNIQUE USING INDEX t_id
ADD PRIMARY KEY USING INDEX t_id
ADD PRIMARY KEY USING INDEX t_proven_id
ADD EXCLUDE (u WITH =)
VALIDATE CONSTRAINT t_later
VALIDATE CONSTRAINT t_proven
VALIDATE CONSTRAINT t_pending
VALIDATE CONSTRAINT t_r
DROP CONSTRAINT t_r
ALTER COLUMN u SET NOT NULL
ALTER COLUMN id SET NOT NULL
ALTER COLUMN proven SET NOT NULL
ALTER COLUMN id DROP NOT NULL
ALTER COLUMN id SET DEFAULT 1
ALTER COLUMN id SET STATISTICS 100
ALTER COLUMN s SET STORAGE EXTERNAL
ALTER COLUMN id TYPE bigint
ALTER COLUMN v TYPE varchar(10)
ALTER COLUMN v TYPE varchar(20)
ALTER COLUMN v TYPE varchar(5)
ALTER COLUMN v TYPE varchar
ALTER COLUMN v TYPE text
ALTER COLUMN v TYPE text USING v::text
ALTER COLUMN v TYPE text USING upper(v)
ALTER COLUMN v TYPE varchar(20) COLLATE "C"
ALTER COLUMN v TYPE char(20)
ALTER COLUMN w TYPE varchar(20)
ALTER COLUMN s TYPE varchar
ALTER COLUMN s TYPE varchar(20)
ALTER COLUMN s TYPE text COLLATE "C"
ALTER COLUMN n TYPE numeric(12, 2)
ALTER COLUMN n TYPE numeric(12, 4)
ALTER COLUMN n TYPE numeric(6, 2)
ALTER COLUMN n TYPE numeric
ALTER COLUMN u TYPE numeric(12, 2)
ALTER COLUMN c TYPE char(8)
ALTER COLUMN c TYPE text
ALTER COLUMN b TYPE varbit(16)
ALTER COLUMN b TYPE varbit
ALTER COLUMN at TYPE timestamp(6)
ALTER COLUMN at TYPE timestamp
ALTER COLUMN at TYPE timestamp(0)
ALTER COLUMN z TYPE timestamptz(6)
ALTER COLUMN z TYPE timestamptz(3)
ALTER COLUMN a TYPE text[]
ALTER COLUMN a TYPE varchar(9)[]
ALTER COLUMN ip TYPE inet
ALTER COLUMN own TYPE int
ALTER COLUMN nothing TYPE oid
ALTER COLUMN nothing TYPE public.positive
ALTER COLUMN checked TYPE varchar(20)
ALTER COLUMN partly TYPE varchar(20)
ALTER COLUMN sorted TYPE text
SET UNLOGGED
SET (fillfactor = 90)
ALTER COLUMN g SET EXPRESSION AS (2)
ENABLE ROW LEVEL SECURITY
DISABLE TRIGGER USER
REPLICA IDENTITY FULL
CLUSTER ON t_id
"""

STATEMENTS = """
CREATE INDEX ON public.t (u)
CREATE INDEX ON ONLY public.p (x)
DROP INDEX public.t_v
REINDEX TABLE public.t
REINDEX INDEX public.t_v
CLUSTER public.t USING t_id
TRUNCATE public.r CASCADE
LOCK TABLE public.t IN SHARE MODE
CREATE TABLE public.n (id bigint REFERENCES public.r)
CREATE TABLE public.p4 PARTITION OF public.p FOR VALUES IN (4)
CREATE TABLE public.h () INHERITS (public.r)
CREATE TABLE public.l (LIKE public.t)
ALTER TABLE public.p ATTACH PARTITION public.p1 FOR VALUES IN (1)
ALTER TABLE public.p ATTACH PARTITION public.p2 FOR VALUES IN (2)
ALTER TABLE public.p DETACH PARTITION public.p3
CREATE TRIGGER g AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.f()
CREATE POLICY g ON public.t
CREATE RULE g AS ON INSERT TO public.r DO ALSO NOTHING
CREATE STATISTICS public.st ON id, u FROM public.t
COMMENT ON TABLE public.t IS 'x'
COMMENT ON COLUMN public.t.id IS 'x'
ALTER TABLE public.t RENAME TO q
ALTER TABLE public.t RENAME COLUMN id TO q
ALTER TABLE public.t RENAME CONSTRAINT t_later TO q
ALTER INDEX public.t_v RENAME TO q
REFRESH MATERIALIZED VIEW public.mv
REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv
CREATE OR REPLACE VIEW public.vw AS SELECT r.id FROM public.r
DROP VIEW public.vw
DROP TABLE public.t
UPDATE public.r SET x = 1
DELETE FROM public.r WHERE id = 99
INSERT INTO public.r VALUES (7)
INSERT INTO public.r SELECT t.id + 50 FROM public.t
SELECT count(*) FROM public.r
SELECT r.x FROM public.r FOR UPDATE
ANALYZE public.t
"""

BELOW = """
ALTER TABLE public.big ADD COLUMN c int
ALTER TABLE public.big DROP COLUMN s
ALTER TABLE public.big ALTER s TYPE varchar
ALTER TABLE public.big ALTER s SET DEFAULT ''
ALTER TABLE public.big ALTER s SET NOT NULL
ALTER TABLE public.big ALTER s SET STATISTICS 9
ALTER TABLE public.big ALTER s SET (n_distinct = 9)
ALTER TABLE public.big ALTER s SET STORAGE EXTERNAL
ALTER TABLE public.big ALTER s SET COMPRESSION pglz
ALTER TABLE public.big ALTER s SET STATISTICS 9, OWNER TO CURRENT_USER
ALTER TABLE ONLY public.big ALTER s SET DEFAULT ''
ALTER TABLE public.big OWNER TO CURRENT_USER
ALTER TABLE public.big ENABLE ROW LEVEL SECURITY
ALTER TABLE public.big REPLICA IDENTITY FULL
ALTER TABLE public.big ADD CHECK (id > 0) NOT VALID
ALTER TABLE public.big ADD UNIQUE (id, x)
ALTER TABLE public.wide ADD FOREIGN KEY (id) REFERENCES public.pr
ALTER TABLE public.big RENAME TO huge
ALTER TABLE public.big RENAME s TO note
ALTER TABLE public.big_1 ADD CHECK (id > 0)
ALTER TABLE public.base ADD COLUMN c int
ALTER TABLE public.base DROP CONSTRAINT base_x
ALTER TABLE public.base ADD UNIQUE (x)
ALTER TABLE public.base SET (fillfactor = 90)
ALTER TABLE public.base RENAME x TO y
ALTER TABLE public.heir NO INHERIT public.base
ALTER TABLE public.big ATTACH PARTITION public.wide FOR VALUES IN (3)
ALTER TABLE public.big DETACH PARTITION public.big_1
ALTER TABLE public.big DETACH PARTITION public.big_2
ALTER TABLE public.big DETACH PARTITION public.big_0
CREATE TABLE public.big_3 PARTITION OF public.big FOR VALUES IN (3)
CREATE TABLE public.big_12 PARTITION OF public.big_1 FOR VALUES IN (2)
CREATE TABLE public.c () INHERITS (public.heir)
CREATE TABLE public.c (id int REFERENCES public.pr)
DROP TABLE public.big
DROP TABLE public.big_1
DROP TABLE public.big_2
DROP TABLE public.big_0
DROP TABLE public.heir
DROP TABLE public.base CASCADE
DROP TABLE public.pr CASCADE
DROP TABLE public.to_pr
ALTER TABLE public.to_pr DROP CONSTRAINT to_pr_key
CREATE INDEX ON public.big (s)
CREATE INDEX ON ONLY public.big (s)
CREATE INDEX ON public.base (x)
DROP INDEX public.big_x
TRUNCATE public.big
TRUNCATE ONLY public.base
TRUNCATE public.pr CASCADE
LOCK TABLE public.big IN SHARE MODE
LOCK TABLE ONLY public.big IN SHARE MODE
CREATE TRIGGER g AFTER INSERT ON public.big FOR EACH ROW EXECUTE FUNCTION public.f()
CREATE TRIGGER g AFTER INSERT ON public.big EXECUTE FUNCTION public.f()
CREATE TRIGGER g AFTER INSERT ON public.base FOR EACH ROW EXECUTE FUNCTION public.f()
CREATE POLICY g ON public.big
ALTER INDEX public.t_v SET (fillfactor = 90)
ALTER INDEX public.t_v SET TABLESPACE pg_default
ALTER DOMAIN public.plain ADD CHECK (VALUE > 0)
ALTER DOMAIN public.plain ADD CONSTRAINT k CHECK (VALUE > 0) NOT VALID
ALTER DOMAIN public.plain SET NOT NULL
ALTER DOMAIN public.plain SET DEFAULT 1
"""

# Of these the server says what it does, in DEBUG1.
WORKING = ("CREATE INDEX", "REINDEX", "ALTER TABLE public.p ")
WORDS = {
    "rewriting table": Work.REWRITE,
    "building index": Work.BUILD,
    "verifying table": Work.SCAN,
    "validating foreign key": Work.SCAN,
}
TABLES = """
SELECT c.oid, c.oid::regclass::text
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
"""
LOCKS = """
SELECT l.relation, l.mode
FROM pg_locks AS l
WHERE l.pid = pg_backend_pid() AND l.mode <> 'AccessShareLock'
"""
MODES = {m.value.title().replace(" ", "") + "Lock": m for m in LockMode}


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def alterations() -> list[str]:
    return [f"ALTER TABLE public.t {line}" for line in lines(ALTERATIONS)]


def statement(text: str) -> Statement:
    return parse(text, path=Path("m.sql"))[0]


@pytest.fixture
def schema() -> Schema:
    made = Schema()
    for each in parse(SETUP, path=Path("m.sql")):
        replay(made, each, "m")
    return made


@pytest.fixture
def session(empty_url: str) -> Any:
    with connect(empty_url, Settings()) as connection:
        connection.execute(SETUP.encode())
        connection.execute("INSERT INTO public.r VALUES (1)")
        connection.execute(
            "INSERT INTO public.t (id, proven, nothing, r_id, partly, u)"
            " VALUES (1, 1, 1, 1, 'x', 1)"
        )
        connection.execute("SET client_min_messages = debug1")
        connection.execute("SET search_path = ''")
        yield connection


def done(connection: Connection[Any], text: str) -> set[Work]:
    """Run a statement for nothing, and return the work that the server told of."""
    said: list[str] = []
    connection.add_notice_handler(
        lambda notice: said.append(notice.message_primary or "")
    )
    with connection.transaction(force_rollback=True):
        connection.execute(text.encode())
    return {work for words, work in WORDS.items() for m in said if m.startswith(words)}


def worst(work: set[Work]) -> Work | None:
    return next((each for each in WORDS.values() if each in work), None)


def test_the_work_of_each_statement_is_the_servers(
    session: Connection[Any], schema: Schema
) -> None:
    wrong = []
    others = [line for line in lines(STATEMENTS) if line.startswith(WORKING)]
    for text in [*alterations(), *others]:
        look = Look(statement(text), schema, Path("m.sql"), ())
        said = worst({each.work for each in effects(look) if each.work})
        real = worst(done(session, text))
        if said != real:
            wrong.append((text, said, real))
    assert wrong == []


def test_the_locks_of_each_statement_are_the_servers(
    session: Connection[Any], schema: Schema
) -> None:
    wrong = []
    tables = dict(session.execute(TABLES).fetchall())
    for text in [*alterations(), *lines(STATEMENTS), *lines(BELOW)]:
        said = {
            name: mode
            for name, mode in documented_locks(statement(text), schema)
            if mode is not LockMode.ACCESS_SHARE
        }
        real = locks(session, text, tables)
        if said != real:
            wrong.append((text, said, real))
    assert wrong == []


def locks(
    connection: Connection[Any], text: str, tables: dict[int, str]
) -> dict[str, LockMode]:
    strongest: dict[str, LockMode] = {}
    with connection.transaction(force_rollback=True):
        connection.execute(text.encode())
        for oid, mode in connection.execute(LOCKS).fetchall():
            held, name = MODES[mode], tables.get(oid, "")
            if name and (name not in strongest or held.rank > strongest[name].rank):
                strongest[name] = held
    return strongest


def test_what_runs_outside_of_transactions_has_its_documented_locks(
    schema: Schema,
) -> None:
    full = statement("VACUUM FULL public.t")
    assert documented_locks(full) == [("public.t", LockMode.ACCESS_EXCLUSIVE)]
    built = statement("CREATE INDEX CONCURRENTLY ON public.t (u)")
    assert documented_locks(built) == [("public.t", LockMode.SHARE_UPDATE_EXCLUSIVE)]
    assert documented_locks(
        statement("DROP INDEX CONCURRENTLY public.t_v"), schema
    ) == [("public.t", LockMode.SHARE_UPDATE_EXCLUSIVE)]
    detached = statement("ALTER TABLE public.big DETACH PARTITION p CONCURRENTLY")
    plain = Schema()
    replay(plain, statement("CREATE TABLE big (id int REFERENCES r)"), "m")
    assert documented_locks(detached, plain) == [
        ("public.big", LockMode.SHARE_UPDATE_EXCLUSIVE),
        ("public.p", LockMode.ACCESS_EXCLUSIVE),
        ("public.r", LockMode.SHARE_ROW_EXCLUSIVE),
    ]


def test_reindex_locks_the_tables_of_the_schema_or_of_all(schema: Schema) -> None:
    replay(schema, statement("CREATE TABLE far.t (id int)"), "m")
    stored = {each.name for each in schema.tables.values() if each.has_rows}
    every = dict(documented_locks(statement("REINDEX DATABASE"), schema))
    assert every == dict.fromkeys(stored, LockMode.SHARE)
    assert "public.vw" not in stored
    far = documented_locks(statement("REINDEX SCHEMA CONCURRENTLY far"), schema)
    assert far == [("far.t", LockMode.SHARE_UPDATE_EXCLUSIVE)]
    parts = dict(documented_locks(statement("REINDEX TABLE public.pr"), schema))
    assert parts.keys() == {"public.pr", "public.pr_1"}
    look = Look(statement("REINDEX SCHEMA far"), schema, Path("m.sql"), ())
    assert [(each.table, each.work) for each in effects(look)] == [
        ("far.t", Work.BUILD)
    ]


def test_a_domain_that_gets_a_check_has_its_tables_scanned(schema: Schema) -> None:
    added = statement("ALTER DOMAIN public.plain ADD CHECK (VALUE > 0)")
    found = effects(Look(added, schema, Path("m.sql"), ()))
    assert {each.work for each in found} == {Work.SCAN}
    assert {"public.big_2", "public.wide_1"} <= {each.table for each in found}
