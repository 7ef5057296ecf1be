"""Forms of DDL, with the locks that PostgreSQL's documentation gives for each.

Every form has a schema of its own with the tables ``t`` and ``u`` of 100 rows each.
``locks`` are marked by hand from the documentation of PostgreSQL 18: table 13.2 of
"Explicit Locking" and the pages of the commands. Where PostgreSQL itself takes another
lock than its documentation says, or where that says nothing, ``remark`` tells so, and
``locks`` what it takes. Weaker locks than SHARE UPDATE EXCLUSIVE are not listed.
``unread`` are the tables that the statement does not name, so that its text alone may
not tell their locks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drystone.review.locks import LockMode

SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
S = LockMode.SHARE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
E = LockMode.EXCLUSIVE
AE = LockMode.ACCESS_EXCLUSIVE

ROWS = 100

BASE = """
CREATE TABLE t (id integer PRIMARY KEY, n integer, s varchar(20), at timestamptz);
CREATE INDEX t_n_idx ON t (n);
CREATE TABLE u (id integer PRIMARY KEY, n integer, s varchar(20), at timestamptz);
"""

PARTITIONED = """
CREATE TABLE p (id integer, n integer) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000);
CREATE TABLE p2 (id integer, n integer);
"""
WITH_DEFAULT = "CREATE TABLE p0 PARTITION OF p DEFAULT;"
REFERRING = "ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES u NOT VALID;"
CHECKED = "ALTER TABLE t ADD CONSTRAINT n_there CHECK (n IS NOT NULL) NOT VALID;"
PROVEN = "ALTER TABLE t ADD CONSTRAINT n_there CHECK (n IS NOT NULL);"
TRIGGERED = """
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
"""
STORED_VIEW = """
CREATE MATERIALIZED VIEW m AS SELECT id, n FROM t;
CREATE UNIQUE INDEX m_id_idx ON m (id);
"""


@dataclass(frozen=True)
class Form:
    """A statement, what it finds, the locks it takes by table, and what it does."""

    statement: str
    locks: dict[str, LockMode]
    setup: str = ""
    rewritten: set[str] = field(default_factory=set)
    built: set[str] = field(default_factory=set)
    scanned: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    remark: str = ""


ALTER_TABLE = [
    Form("ALTER TABLE t ADD COLUMN c integer", {"t": AE}),
    Form("ALTER TABLE t ADD COLUMN c integer DEFAULT 7 NOT NULL", {"t": AE}),
    Form(
        "ALTER TABLE t ADD COLUMN c uuid DEFAULT gen_random_uuid()",
        {"t": AE},
        rewritten={"t"},
        built={"t_pkey", "t_n_idx"},
        scanned={"t"},
    ),
    Form(
        "ALTER TABLE t ADD COLUMN c integer GENERATED ALWAYS AS (n + 1) STORED",
        {"t": AE},
        rewritten={"t"},
        built={"t_pkey", "t_n_idx"},
        scanned={"t"},
    ),
    Form("ALTER TABLE t ADD COLUMN c integer GENERATED ALWAYS AS (n + 1)", {"t": AE}),
    Form(
        "ALTER TABLE t ADD COLUMN c bigserial",
        {"t": AE},
        rewritten={"t"},
        built={"t_pkey", "t_n_idx"},
        scanned={"t"},
    ),
    Form("ALTER TABLE t DROP COLUMN s", {"t": AE}),
    Form("ALTER TABLE t ALTER s TYPE varchar(40)", {"t": AE}),
    Form("ALTER TABLE t ALTER s TYPE text", {"t": AE}),
    Form(
        "ALTER TABLE t ALTER s TYPE varchar(19)",
        {"t": AE},
        rewritten={"t"},
        built={"t_pkey", "t_n_idx"},
        scanned={"t"},
    ),
    Form(
        "ALTER TABLE t ALTER n TYPE bigint",
        {"t": AE},
        rewritten={"t"},
        built={"t_pkey", "t_n_idx"},
        scanned={"t"},
    ),
    Form("ALTER TABLE t ALTER n SET DEFAULT 1", {"t": AE}),
    Form("ALTER TABLE t ALTER n DROP DEFAULT", {"t": AE}),
    Form("ALTER TABLE t ALTER n SET NOT NULL", {"t": AE}, scanned={"t"}),
    Form("ALTER TABLE t ALTER n SET NOT NULL", {"t": AE}, setup=PROVEN),
    Form("ALTER TABLE t ALTER n SET NOT NULL", {"t": AE}, setup=CHECKED, scanned={"t"}),
    Form("ALTER TABLE t ADD CONSTRAINT c NOT NULL n NOT VALID", {"t": AE}),
    Form(
        "ALTER TABLE t ALTER n DROP NOT NULL",
        {"t": AE},
        setup="ALTER TABLE t ALTER n SET NOT NULL;",
    ),
    Form("ALTER TABLE t ALTER n SET STATISTICS 500", {"t": SUE}),
    Form("ALTER TABLE t ALTER n SET (n_distinct = 5)", {"t": SUE}),
    Form("ALTER TABLE t ALTER s SET STORAGE EXTERNAL", {"t": AE}),
    Form("ALTER TABLE t ALTER s SET COMPRESSION pglz", {"t": AE}),
    Form("ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY", {"t": AE}),
    Form("ALTER TABLE t SET (fillfactor = 70)", {"t": SUE}),
    Form("ALTER TABLE t SET (autovacuum_enabled = false)", {"t": SUE}),
    Form("ALTER TABLE t CLUSTER ON t_n_idx", {"t": SUE}),
    Form("ALTER TABLE t SET WITHOUT CLUSTER", {"t": SUE}),
    Form(
        "ALTER TABLE t SET UNLOGGED",
        {"t": AE},
        rewritten={"t"},
        built={"t_pkey", "t_n_idx"},
        scanned={"t"},
    ),
    Form("ALTER TABLE t SET TABLESPACE pg_default", {"t": AE}),
    Form("ALTER TABLE t RENAME TO t2", {"t": AE}),
    Form("ALTER TABLE t RENAME n TO n2", {"t": AE}),
    Form("ALTER TABLE t RENAME CONSTRAINT t_pkey TO t_key", {"t": AE}),
    Form("ALTER TABLE t OWNER TO CURRENT_USER", {"t": AE}),
    Form("ALTER TABLE t SET SCHEMA public", {"t": AE}),
    Form("ALTER TABLE t REPLICA IDENTITY FULL", {"t": AE}),
    Form("ALTER TABLE t ENABLE ROW LEVEL SECURITY", {"t": AE}),
    Form("ALTER TABLE t DISABLE TRIGGER g", {"t": SRE}, setup=TRIGGERED),
    Form("ALTER TABLE t ENABLE TRIGGER ALL", {"t": SRE}, setup=TRIGGERED),
    Form(
        "ALTER TABLE t DISABLE RULE r",
        {"t": AE},
        setup="CREATE RULE r AS ON DELETE TO t DO ALSO NOTHING;",
    ),
    Form(
        "ALTER TABLE t INHERIT u",
        {"t": AE, "u": SUE},
        remark="the documentation does not name the lock on the parent",
    ),
    Form(
        "ALTER TABLE t NO INHERIT u",
        {"t": AE},
        setup="ALTER TABLE t INHERIT u;",
    ),
]

CONSTRAINTS = [
    Form("ALTER TABLE t ADD CHECK (n IS NOT NULL)", {"t": AE}, scanned={"t"}),
    Form("ALTER TABLE t ADD CHECK (n IS NOT NULL) NOT VALID", {"t": AE}),
    Form(
        "ALTER TABLE t VALIDATE CONSTRAINT n_there",
        {"t": SUE},
        setup=CHECKED,
        scanned={"t"},
    ),
    Form(
        "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u",
        {"t": SRE, "u": SRE},
        scanned={"t", "u"},
    ),
    Form(
        "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u NOT VALID",
        {"t": SRE, "u": SRE},
    ),
    Form(
        "ALTER TABLE t VALIDATE CONSTRAINT fk",
        {"t": SUE},
        setup=REFERRING,
        scanned={"t", "u"},
    ),
    Form(
        "ALTER TABLE t ADD COLUMN c integer REFERENCES u",
        {"t": AE, "u": SRE},
    ),
    Form("ALTER TABLE t DROP CONSTRAINT n_there", {"t": AE}, setup=PROVEN),
    Form(
        "ALTER TABLE t DROP CONSTRAINT fk",
        {"t": AE, "u": AE},
        setup=REFERRING,
        remark="the documentation does not name the lock on the referenced table",
    ),
    Form("ALTER TABLE t ADD UNIQUE (n)", {"t": AE}, built={"t_n_key"}, scanned={"t"}),
    Form(
        "ALTER TABLE t ADD PRIMARY KEY (n)",
        {"t": AE},
        setup="ALTER TABLE t DROP CONSTRAINT t_pkey, ALTER n SET NOT NULL;",
        built={"t_pkey"},
        scanned={"t"},
    ),
    Form(
        "ALTER TABLE t ADD CONSTRAINT t_n_key UNIQUE USING INDEX t_n_key",
        {"t": AE},
        setup="CREATE UNIQUE INDEX t_n_key ON t (n);",
    ),
    Form(
        "ALTER TABLE t ADD EXCLUDE USING gist (int4range(id, id + 1) WITH &&)",
        {"t": AE},
        built={"t_int4range_excl"},
        scanned={"t"},
    ),
    Form(
        "ALTER DOMAIN d ADD CHECK (VALUE > -1)",
        {"t": S},
        setup="CREATE DOMAIN d AS integer; ALTER TABLE t ADD c d DEFAULT 1;",
        scanned={"t"},
        remark="the documentation does not name the lock",
    ),
]

INDEXES = [
    Form("CREATE INDEX i ON t (s)", {"t": S}, built={"i"}, scanned={"t"}),
    Form("CREATE UNIQUE INDEX i ON t (n)", {"t": S}, built={"i"}, scanned={"t"}),
    Form(
        "CREATE INDEX CONCURRENTLY i ON t (s)",
        {"t": SUE},
        built={"i"},
        scanned={"t"},
    ),
    Form("DROP INDEX t_n_idx", {"t": AE, "t_n_idx": AE}),
    Form("DROP INDEX CONCURRENTLY t_n_idx", {"t": SUE, "t_n_idx": SUE}),
    Form(
        "REINDEX INDEX t_n_idx",
        {"t": S, "t_n_idx": AE},
        built={"t_n_idx"},
        scanned={"t"},
    ),
    Form(
        "REINDEX TABLE t",
        {"t": S, "t_n_idx": AE, "t_pkey": AE},
        built={"t_n_idx", "t_pkey"},
        scanned={"t"},
    ),
    Form(
        "REINDEX INDEX CONCURRENTLY t_n_idx",
        {"t": SUE, "t_n_idx": SUE},
        built={"t_n_idx"},
        scanned={"t"},
    ),
    Form(
        "REINDEX TABLE CONCURRENTLY t",
        {"t": SUE, "t_n_idx": SUE},
        built={"t_n_idx", "t_pkey"},
        scanned={"t"},
    ),
    Form(
        "REINDEX SCHEMA {schema}",
        {"t": S, "u": S},
        built={"t_n_idx", "t_pkey", "u_pkey"},
        scanned={"t", "u"},
        remark="the indexes are locked too, while nothing waits that could be watched",
    ),
    Form("ALTER INDEX t_n_idx RENAME TO i", {"t_n_idx": SUE}),
    Form("ALTER INDEX t_n_idx SET (fillfactor = 70)", {"t_n_idx": SUE}),
    Form(
        "CREATE INDEX i ON p (n)",
        {"p": S, "p1": S},
        setup=PARTITIONED,
        built={"p1_n_idx"},
        scanned={"p1"},
    ),
]

PARTITIONS = [
    Form("ALTER TABLE p ADD COLUMN c integer", {"p": AE, "p1": AE}, setup=PARTITIONED),
    Form("ALTER TABLE ONLY p ALTER n SET DEFAULT 1", {"p": AE}, setup=PARTITIONED),
    Form(
        "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (1000) TO (2000)",
        {"p": SUE, "p2": AE},
        setup=PARTITIONED
        + "ALTER TABLE p2 ADD CHECK (id IS NOT NULL AND id >= 1000 AND id < 2000);",
    ),
    Form(
        "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (1000) TO (2000)",
        {"p": SUE, "p2": AE, "p0": AE},
        setup=PARTITIONED
        + WITH_DEFAULT
        + """
        ALTER TABLE p2 ADD CHECK (id IS NOT NULL AND id >= 1000 AND id < 2000);
        ALTER TABLE p0 ADD CHECK (id IS NOT NULL AND id >= 3000);
        """,
    ),
    Form(
        "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (2000) TO (3000)",
        {"p": SUE, "p2": AE, "p0": AE},
        setup=PARTITIONED
        + WITH_DEFAULT
        + "INSERT INTO p SELECT g FROM generate_series(5000, 5009) AS g;"
        + "INSERT INTO p2 SELECT g FROM generate_series(2000, 2009) AS g;",
        scanned={"p0", "p2"},
    ),
    Form(
        "ALTER TABLE p DETACH PARTITION p1",
        {"p": AE, "p1": AE},
        setup=PARTITIONED,
    ),
    Form(
        "ALTER TABLE p DETACH PARTITION p1",
        {"p": AE, "p1": AE, "p0": AE},
        setup=PARTITIONED + WITH_DEFAULT,
        remark="the documentation does not name the lock on the default partition",
    ),
    Form(
        "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
        {"p": SUE, "p1": AE},
        setup=PARTITIONED,
    ),
    Form(
        "CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (3000) TO (4000)",
        {"p": AE},
        setup=PARTITIONED,
    ),
    Form(
        "CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (3000) TO (4000)",
        {"p": AE, "p0": AE},
        setup=PARTITIONED
        + WITH_DEFAULT
        + "INSERT INTO p SELECT g FROM generate_series(5000, 5009) AS g;",
        scanned={"p0"},
        remark="the documentation does not name the lock on the default partition",
    ),
    Form("DROP TABLE p1", {"p": AE, "p1": AE}, setup=PARTITIONED),
    Form(
        "DROP TABLE p1",
        {"p": AE, "p1": AE, "p0": AE},
        setup=PARTITIONED + WITH_DEFAULT,
        remark="the documentation does not name the lock on the default partition",
    ),
]

OTHERS = [
    Form("CREATE TABLE c (id integer REFERENCES u)", {"u": SRE}),
    Form(
        "CREATE TABLE c (z integer) INHERITS (u)",
        {"u": SUE},
        remark="the documentation does not name the lock",
    ),
    Form("CREATE TABLE c (LIKE t INCLUDING ALL)", {}),
    Form("CREATE TABLE c AS SELECT id FROM t", {}, scanned={"t"}),
    Form("DROP TABLE t", {"t": AE}),
    Form(
        "DROP TABLE t",
        {"t": AE, "u": AE},
        setup=REFERRING,
        remark="the documentation does not name the lock on the referenced table",
    ),
    Form("TRUNCATE t", {"t": AE}),
    Form("LOCK TABLE t", {"t": AE}),
    Form("LOCK TABLE t IN EXCLUSIVE MODE", {"t": E}),
    Form(
        "CREATE TRIGGER h BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        {"t": SRE},
        setup=TRIGGERED,
    ),
    Form("DROP TRIGGER g ON t", {"t": AE}, setup=TRIGGERED),
    Form("ALTER TRIGGER g ON t RENAME TO h", {"t": AE}, setup=TRIGGERED),
    Form("CREATE RULE r AS ON DELETE TO t DO ALSO NOTHING", {"t": AE}),
    Form("CREATE POLICY o ON t USING (true)", {"t": AE}),
    Form(
        "DROP POLICY o ON t",
        {"t": AE},
        setup="CREATE POLICY o ON t USING (true);",
    ),
    Form("COMMENT ON TABLE t IS 'rows'", {"t": SUE}),
    Form("COMMENT ON COLUMN t.n IS 'a number'", {"t": SUE}),
    Form("CREATE STATISTICS x ON id, n FROM t", {"t": SUE}),
    Form("ANALYZE t", {"t": SUE}),
    Form("VACUUM t", {"t": SUE}),
    Form(
        "VACUUM FULL t",
        {"t": AE},
        rewritten={"t"},
        built={"t_pkey", "t_n_idx"},
        scanned={"t"},
    ),
    Form(
        "CLUSTER t USING t_n_idx",
        {"t": AE},
        rewritten={"t"},
        built={"t_pkey", "t_n_idx"},
        scanned={"t"},
    ),
    Form(
        "REFRESH MATERIALIZED VIEW m",
        {"m": AE},
        setup=STORED_VIEW,
        rewritten={"m"},
        built={"m_id_idx"},
        scanned={"t", "m"},
    ),
    Form(
        "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
        {"m": E},
        setup=STORED_VIEW,
        scanned={"t"},
    ),
    Form("CREATE VIEW v AS SELECT id FROM t", {}),
    Form(
        "CREATE OR REPLACE VIEW v AS SELECT id, n FROM t",
        {"v": AE},
        setup="CREATE VIEW v AS SELECT id FROM t;",
    ),
    Form("DROP VIEW v", {"v": AE}, setup="CREATE VIEW v AS SELECT id FROM t;"),
    Form(
        "ALTER SEQUENCE q CACHE 10",
        {"q": SRE},
        setup="CREATE SEQUENCE q;",
        unread={"q"},
    ),
    Form("ALTER TYPE e ADD VALUE 'b'", {}, setup="CREATE TYPE e AS ENUM ('a');"),
    Form("CREATE PUBLICATION {schema} FOR TABLE t", {"t": SUE}),
    Form("GRANT SELECT ON t TO PUBLIC", {}),
    Form("UPDATE t SET n = n + 1", {}, scanned={"t"}),
    Form("DELETE FROM t", {}, scanned={"t"}),
]

FORMS = [*ALTER_TABLE, *CONSTRAINTS, *INDEXES, *PARTITIONS, *OTHERS]
