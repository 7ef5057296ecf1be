"""Each rule of lint on a bad example, and silent on the corrected one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from drystone.migrations.files import Migration, read_migrations
from drystone.review.lint.findings import Finding, Severity
from drystone.review.lint.migrations import RULES, lint_migrations
from drystone.systems import shipped

# What is there before the release.
BASE = """
CREATE TABLE shop.items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);

CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item bigint,
    name varchar(20),
    price numeric(8, 2),
    total int NOT NULL,
    during tsrange
);

CREATE INDEX orders_item_idx ON shop.orders (item);

CREATE TABLE shop.archive (id bigint);

CREATE TABLE shop.days (day date NOT NULL) PARTITION BY LIST (day);

CREATE TABLE shop.monday PARTITION OF shop.days FOR VALUES IN ('2026-01-05');

CREATE TYPE shop.state AS ENUM ('new');

CREATE DOMAIN shop.amount AS int;

CREATE MATERIALIZED VIEW shop.totals AS SELECT id FROM shop.orders;

CREATE VIEW shop.names AS SELECT name FROM shop.orders;

CREATE FUNCTION shop.one() RETURNS int RETURN 1;

CREATE SEQUENCE shop.numbers;

CREATE EXTENSION hstore;

CREATE SCHEMA unused;
"""


class Case(NamedTuple):
    """A hazard by the names that it has elsewhere, its bad example and its good one.

    Of the good example, each string is a file, and a release, of its own.
    """

    aliases: str
    bad: str
    good: Sequence[str]


CASES = [
    Case(
        "eugene:E1 squawk:constraint-missing-not-valid",
        "ALTER TABLE shop.orders ADD CONSTRAINT k CHECK (total > 0);",
        [
            "ALTER TABLE shop.orders ADD CONSTRAINT k CHECK (total > 0) NOT VALID;",
            "ALTER TABLE shop.orders VALIDATE CONSTRAINT k;",
        ],
    ),
    Case(
        "squawk:constraint-missing-not-valid",
        "ALTER TABLE shop.orders ADD CONSTRAINT k CHECK (total > 0) NOT VALID;"
        "ALTER TABLE shop.orders VALIDATE CONSTRAINT k;",
        ["ALTER TABLE shop.orders ADD CONSTRAINT k CHECK (total > 0) NOT VALID;"],
    ),
    Case(
        "eugene:E1 squawk:adding-foreign-key-constraint",
        "ALTER TABLE shop.orders ADD FOREIGN KEY (item) REFERENCES shop.items;",
        [
            (
                "ALTER TABLE shop.orders ADD CONSTRAINT k"
                " FOREIGN KEY (item) REFERENCES shop.items NOT VALID;"
            ),
            "ALTER TABLE shop.orders VALIDATE CONSTRAINT k;",
        ],
    ),
    Case(
        "eugene:E2 squawk:adding-not-nullable-field",
        "ALTER TABLE shop.orders ALTER COLUMN item SET NOT NULL;",
        [
            (
                "ALTER TABLE shop.orders ADD CONSTRAINT k CHECK (item IS NOT NULL)"
                " NOT VALID;"
            ),
            "ALTER TABLE shop.orders VALIDATE CONSTRAINT k;",
            "ALTER TABLE shop.orders ALTER COLUMN item SET NOT NULL;",
        ],
    ),
    Case(
        "eugene:E2",
        "ALTER TABLE shop.orders ADD CONSTRAINT k NOT NULL item;",
        [
            "ALTER TABLE shop.orders ADD CONSTRAINT k NOT NULL item NOT VALID;",
            "ALTER TABLE shop.orders VALIDATE CONSTRAINT k;",
            "ALTER TABLE shop.orders ALTER COLUMN item SET NOT NULL;",
        ],
    ),
    Case(
        "eugene:E3",
        "ALTER TABLE shop.orders ADD COLUMN meta json;",
        ["ALTER TABLE shop.orders ADD COLUMN meta jsonb;"],
    ),
    Case(
        "eugene:E4",
        "ALTER TABLE shop.orders ADD COLUMN email text;"
        "SELECT count(*) FROM shop.orders;",
        [
            "ALTER TABLE shop.orders ADD COLUMN email text;",
            "SELECT count(*) FROM shop.orders;",
        ],
    ),
    Case(
        "eugene:E4",
        "CREATE TRIGGER t AFTER INSERT ON shop.orders"
        " FOR EACH ROW EXECUTE FUNCTION shop.f();"
        "DO $$ BEGIN UPDATE shop.items SET id = 1; END $$;",
        [
            (
                "ALTER TABLE shop.orders ADD COLUMN email text;"
                "COMMENT ON COLUMN shop.orders.email IS 'x';"
                "INSERT INTO shop.items DEFAULT VALUES;"
            ),
        ],
    ),
    Case(
        "eugene:E5 squawk:changing-column-type",
        "ALTER TABLE shop.orders ALTER COLUMN total TYPE bigint;",
        [
            "ALTER TABLE shop.orders ALTER COLUMN name TYPE varchar(40);",
            "ALTER TABLE shop.orders ALTER COLUMN name TYPE text;",
            "ALTER TABLE shop.orders ALTER COLUMN price TYPE numeric(12, 2);",
        ],
    ),
    Case(
        "eugene:E6 squawk:require-concurrent-index-creation",
        "CREATE INDEX i ON shop.orders (name);",
        ["CREATE INDEX CONCURRENTLY i ON shop.orders (name);"],
    ),
    Case(
        "eugene:E7 squawk:disallowed-unique-constraint",
        "ALTER TABLE shop.orders ADD CONSTRAINT i UNIQUE (name);",
        [
            "CREATE UNIQUE INDEX CONCURRENTLY i ON shop.orders (name);",
            "ALTER TABLE shop.orders ADD CONSTRAINT i UNIQUE USING INDEX i;",
        ],
    ),
    Case(
        "eugene:E7 squawk:adding-serial-primary-key-field",
        "ALTER TABLE shop.archive ADD PRIMARY KEY (id);",
        ["CREATE TABLE shop.n (id bigint); ALTER TABLE shop.n ADD PRIMARY KEY (id);"],
    ),
    Case(
        "eugene:E8",
        "ALTER TABLE shop.orders ADD EXCLUDE USING gist (during WITH &&);",
        ["CREATE TABLE shop.n (r tsrange, EXCLUDE USING gist (r WITH &&));"],
    ),
    Case(
        "eugene:E9 squawk:require-lock-timeout",
        "SET LOCAL lock_timeout = 0; ALTER TABLE shop.orders ADD COLUMN email text;",
        [
            "ALTER TABLE shop.orders ADD COLUMN email text;",
            (
                "SET LOCAL lock_timeout = '2s';"
                "ALTER TABLE shop.orders ADD COLUMN phone text;"
            ),
        ],
    ),
    Case(
        "eugene:E9",
        "-- transactional: false\nALTER TABLE shop.orders ADD COLUMN email text;",
        [
            (
                "-- transactional: false\nSET lock_timeout = '2s';"
                "ALTER TABLE shop.orders ADD COLUMN email text;"
            )
        ],
    ),
    Case(
        "eugene:E10",
        "ALTER TABLE shop.items ADD COLUMN meta jsonb;"
        "ALTER TABLE shop.orders ALTER COLUMN total TYPE bigint;",
        ["ALTER TABLE shop.items ADD COLUMN meta jsonb;"],
    ),
    Case(
        "eugene:E11 squawk:adding-field-with-default",
        "ALTER TABLE shop.orders ADD COLUMN number serial;",
        ["ALTER TABLE shop.orders ADD COLUMN number int DEFAULT 0;"],
    ),
    Case(
        "eugene:E11",
        "ALTER TABLE shop.orders ADD COLUMN twice int"
        " GENERATED ALWAYS AS (total * 2) STORED;",
        [
            (
                "ALTER TABLE shop.orders ADD COLUMN twice int"
                " GENERATED ALWAYS AS (total * 2) VIRTUAL;"
            )
        ],
    ),
    Case(
        "squawk:adding-field-with-default",
        "ALTER TABLE shop.orders ADD COLUMN key uuid DEFAULT gen_random_uuid();",
        ["ALTER TABLE shop.orders ADD COLUMN at timestamptz DEFAULT now();"],
    ),
    Case(
        "eugene:W12",
        "ALTER TABLE shop.orders ADD COLUMN a int;"
        "ALTER TABLE shop.orders ADD COLUMN b int;",
        ["ALTER TABLE shop.orders ADD COLUMN a int, ADD COLUMN b int;"],
    ),
    Case(
        "eugene:W13",
        "CREATE TYPE shop.kind AS ENUM ('a', 'b');",
        ["CREATE TABLE shop.kinds (kind text PRIMARY KEY);"],
    ),
    Case(
        "eugene:W14",
        "CREATE UNIQUE INDEX i ON shop.archive (id);"
        "ALTER TABLE shop.archive ADD CONSTRAINT k PRIMARY KEY USING INDEX i;",
        [
            "ALTER TABLE shop.archive ADD CONSTRAINT c NOT NULL id NOT VALID;",
            "ALTER TABLE shop.archive VALIDATE CONSTRAINT c;",
            "CREATE UNIQUE INDEX CONCURRENTLY i ON shop.archive (id);",
            "ALTER TABLE shop.archive ADD CONSTRAINT k PRIMARY KEY USING INDEX i;",
        ],
    ),
    Case(
        "eugene:E15",
        "CREATE TABLE shop.lines (o bigint REFERENCES shop.orders);"
        "CREATE INDEX ON shop.lines (o) WHERE o = 1;",
        [
            (
                "CREATE TABLE shop.lines (o bigint REFERENCES shop.orders, n int);"
                "CREATE INDEX ON shop.lines (o, n);"
            )
        ],
    ),
    Case(
        "eugene:E15",
        """
        CREATE TABLE shop.parts (id bigint, kind text, PRIMARY KEY (id, kind));
        CREATE TABLE shop.uses (
            part_id bigint,
            kind text GENERATED ALWAYS AS ('part') STORED,
            FOREIGN KEY (part_id, kind) REFERENCES shop.parts
        );
        CREATE INDEX ON shop.uses (kind, part_id);
        """,
        [
            """
            CREATE TABLE shop.parts (id bigint, kind text, PRIMARY KEY (id, kind));
            CREATE TABLE shop.uses (
                part_id bigint,
                kind text GENERATED ALWAYS AS ('part') STORED,
                FOREIGN KEY (part_id, kind) REFERENCES shop.parts
            );
            CREATE INDEX ON shop.uses (part_id);
            """
        ],
    ),
    Case(
        "eugene:E15",
        "ALTER TABLE shop.orders ADD COLUMN k bigint REFERENCES shop.items;",
        [
            "ALTER TABLE shop.orders ADD COLUMN k bigint REFERENCES shop.items;",
            "CREATE INDEX CONCURRENTLY orders_k_idx ON shop.orders (k);",
        ],
    ),
    Case(
        "squawk:require-concurrent-index-deletion",
        "DROP INDEX shop.orders_item_idx;",
        ["DROP INDEX CONCURRENTLY shop.orders_item_idx;"],
    ),
    Case(
        "squawk:require-concurrent-reindex",
        "REINDEX INDEX shop.orders_item_idx;",
        ["REINDEX INDEX CONCURRENTLY shop.orders_item_idx;"],
    ),
    Case(
        "squawk:require-concurrent-partition-detach",
        "ALTER TABLE shop.days DETACH PARTITION shop.monday;",
        ["ALTER TABLE shop.days DETACH PARTITION shop.monday CONCURRENTLY;"],
    ),
    Case(
        "squawk:ban-concurrent-index-creation-in-transaction",
        "CREATE INDEX CONCURRENTLY i ON shop.orders (name);"
        "CREATE TABLE shop.n (id bigint);",
        [
            (
                "SET statement_timeout = 0;"
                "CREATE INDEX CONCURRENTLY i ON shop.orders (name);"
            )
        ],
    ),
    Case(
        "squawk:adding-required-field",
        "ALTER TABLE shop.orders ADD COLUMN email text NOT NULL;",
        ["ALTER TABLE shop.orders ADD COLUMN email text NOT NULL DEFAULT '';"],
    ),
    Case(
        "squawk:ban-drop-column",
        "ALTER TABLE shop.orders DROP COLUMN item;",
        [
            (
                "CREATE TABLE shop.n (a int, b int);"
                "ALTER TABLE shop.n DROP COLUMN a, ALTER b TYPE text;"
            )
        ],
    ),
    Case(
        "squawk:ban-drop-table",
        "DROP TABLE shop.orders;",
        ["CREATE TABLE shop.n (id bigint); DROP TABLE shop.n;"],
    ),
    Case(
        "squawk:ban-drop-not-null",
        "ALTER TABLE shop.orders ALTER COLUMN total DROP NOT NULL;",
        [
            (
                "CREATE TABLE shop.n (id bigint NOT NULL);"
                "ALTER TABLE shop.n ALTER COLUMN id DROP NOT NULL;"
            )
        ],
    ),
    Case(
        "squawk:ban-drop-constraint",
        "ALTER TABLE shop.orders DROP CONSTRAINT orders_pkey;",
        [
            (
                "CREATE TABLE shop.n (id bigint PRIMARY KEY);"
                "ALTER TABLE shop.n DROP CONSTRAINT n_pkey;"
            )
        ],
    ),
    Case(
        "squawk:ban-drop-default",
        "ALTER TABLE shop.orders ALTER COLUMN total DROP DEFAULT;",
        ["ALTER TABLE shop.orders ALTER COLUMN total SET DEFAULT 1;"],
    ),
    Case(
        "squawk:ban-drop-extension",
        "DROP EXTENSION hstore;",
        ["CREATE EXTENSION ltree; DROP EXTENSION ltree;"],
    ),
    Case(
        "squawk:ban-drop-function",
        "DROP FUNCTION shop.one();",
        ["CREATE FUNCTION f() RETURNS int RETURN 1; DROP FUNCTION f();"],
    ),
    Case(
        "squawk:ban-drop-schema",
        "DROP SCHEMA unused;",
        ["CREATE SCHEMA mine; DROP SCHEMA mine;"],
    ),
    Case(
        "squawk:ban-drop-sequence",
        "DROP SEQUENCE shop.numbers;",
        ["CREATE SEQUENCE s; DROP SEQUENCE s;"],
    ),
    Case(
        "squawk:ban-drop-type",
        "DROP TYPE shop.state;",
        ["CREATE TYPE pair AS (a int, b int); DROP TYPE pair;"],
    ),
    Case(
        "squawk:ban-drop-view",
        "DROP VIEW shop.names;",
        ["CREATE VIEW shop.v AS SELECT 1; DROP VIEW shop.v;"],
    ),
    Case(
        "squawk:renaming-column",
        "ALTER TABLE shop.orders RENAME COLUMN name TO title;",
        ["ALTER TABLE shop.orders ADD COLUMN title text;"],
    ),
    Case(
        "squawk:renaming-table",
        "ALTER TABLE shop.orders RENAME TO purchases;",
        ["CREATE TABLE shop.n (id bigint); ALTER TABLE shop.n RENAME TO m;"],
    ),
    Case(
        "squawk:ban-set-schema",
        "ALTER TABLE shop.orders SET SCHEMA unused;",
        ["CREATE TABLE n (id bigint); ALTER TABLE n SET SCHEMA unused;"],
    ),
    Case(
        "squawk:ban-truncate-cascade",
        "TRUNCATE shop.orders CASCADE;",
        ["TRUNCATE shop.orders;"],
    ),
    Case(
        "squawk:prefer-repack",
        "VACUUM FULL shop.orders;",
        ["VACUUM shop.orders;"],
    ),
    Case(
        "squawk:prefer-repack",
        "CLUSTER shop.orders USING orders_item_idx;",
        ["ALTER TABLE shop.orders CLUSTER ON orders_item_idx;"],
    ),
    Case(
        "squawk:require-statement-timeout",
        "ALTER TABLE shop.orders ADD CHECK (total > 0);",
        ["ALTER TABLE shop.orders ADD COLUMN n int;"],
    ),
    Case(
        "squawk:ban-create-domain-with-constraint",
        "CREATE DOMAIN shop.few AS int CHECK (VALUE < 9);",
        ["CREATE DOMAIN shop.few AS int;"],
    ),
    Case(
        "squawk:ban-alter-domain-with-add-constraint",
        "ALTER DOMAIN shop.amount ADD CHECK (VALUE > 0);",
        ["ALTER DOMAIN shop.amount ADD CONSTRAINT k CHECK (VALUE > 0) NOT VALID;"],
    ),
    Case(
        "squawk:transaction-nesting squawk:ban-uncommitted-transaction",
        "BEGIN; ALTER TABLE shop.orders ADD COLUMN n int; COMMIT;",
        ["ALTER TABLE shop.orders ADD COLUMN n int;"],
    ),
]

# Hazards that other linters have no name for.
OWN = [
    Case(
        "concurrently-if-not-exists",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON shop.orders (name);",
        ["CREATE INDEX CONCURRENTLY i ON shop.orders (name);"],
    ),
    Case(
        "concurrently-on-partitioned",
        "CREATE INDEX CONCURRENTLY i ON shop.days (day);",
        ["CREATE INDEX i ON ONLY shop.days (day);"],
    ),
    Case(
        "attach-scans-partition",
        "ALTER TABLE shop.days ATTACH PARTITION shop.archive FOR VALUES IN ('x');",
        [
            (
                "CREATE TABLE shop.n (day date NOT NULL);"
                "ALTER TABLE shop.days ATTACH PARTITION shop.n FOR VALUES IN ('x');"
            )
        ],
    ),
    Case(
        "enum-value-used-at-once",
        "ALTER TYPE shop.state ADD VALUE 'paid';"
        "ALTER TABLE shop.archive ADD COLUMN s shop.state DEFAULT 'paid';",
        ["ALTER TYPE shop.state ADD VALUE 'paid';"],
    ),
    Case(
        "unbatched-change",
        "UPDATE shop.orders SET total = 0;",
        [
            (
                "-- batch: shop.orders by id, 1000 rows\n"
                "UPDATE shop.orders SET total = 0 WHERE id BETWEEN $1 AND $2;"
            ),
            "UPDATE shop.orders SET total = 0 WHERE id = 7;",
        ],
    ),
    Case(
        "change-in-do-block",
        "DO $$ BEGIN DELETE FROM shop.orders; END $$;",
        ["DO $$ BEGIN PERFORM shop.one(); END $$;"],
    ),
    Case(
        "refresh-blocks",
        "REFRESH MATERIALIZED VIEW shop.totals;",
        ["REFRESH MATERIALIZED VIEW CONCURRENTLY shop.totals;"],
    ),
    Case(
        "explicit-lock",
        "LOCK TABLE shop.orders;",
        ["LOCK TABLE shop.orders IN ACCESS SHARE MODE;"],
    ),
    Case(
        "table-rewritten",
        "ALTER TABLE shop.orders SET UNLOGGED;",
        ["ALTER TABLE shop.orders SET (fillfactor = 90);"],
    ),
]


def written(folder: Path, files: dict[str, str]) -> list[Migration]:
    system = folder / "shop"
    system.mkdir(exist_ok=True)
    for name, text in files.items():
        (system / f"{name}.sql").write_text(text)
    return read_migrations([folder])


def lint(folder: Path, *texts: str) -> list[Finding]:
    """Lint files of a release each, on top of BASE."""
    files = {"0000": BASE} | {f"{n:04}": text for n, text in enumerate(texts, 1)}
    found = lint_migrations(written(folder, files), release=()).findings
    return [each for each in found if each.location.file.stem != "0000"]


def rules(found: Sequence[Finding]) -> list[str]:
    return [each.rule.name for each in found]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.aliases)
def test_a_hazard_is_named_and_its_correction_is_not(
    tmp_path: Path, case: Case
) -> None:
    wanted = set(case.aliases.split())
    bad = {alias for each in lint(tmp_path, case.bad) for alias in each.rule.aliases}
    assert wanted <= bad
    good = {alias for each in lint(tmp_path, *case.good) for alias in each.rule.aliases}
    assert not wanted & good


@pytest.mark.parametrize("case", OWN, ids=lambda case: case.aliases)
def test_a_hazard_that_only_drystone_knows_is_named(tmp_path: Path, case: Case) -> None:
    assert case.aliases in rules(lint(tmp_path, case.bad))
    assert case.aliases not in rules(lint(tmp_path, *case.good))


def test_what_the_release_makes_is_not_in_use_yet(tmp_path: Path) -> None:
    files = {
        "0001": "CREATE TABLE shop.n (id bigint, m int);",
        "0002": "CREATE INDEX i ON shop.n (m); ALTER TABLE shop.n ALTER m SET NOT NULL,"
        " ADD CHECK (m > 0), ALTER m TYPE bigint, DROP COLUMN id;",
    }
    migrations = written(tmp_path, files)
    assert lint_migrations(migrations, release=("0001", "0002")).findings == []
    apart = lint_migrations(migrations, release=()).findings
    assert {"index-blocks-writes", "check-scans"} <= set(rules(apart))


def test_a_table_that_no_file_makes_is_in_use(tmp_path: Path) -> None:
    found = lint(tmp_path, "CREATE INDEX i ON elsewhere.t (a);")
    assert rules(found)[0] == "index-blocks-writes"
    assert found[0].table == "elsewhere.t"
    assert found[0].message == "writers of elsewhere.t wait while i is built"


def test_an_index_of_a_later_file_serves_a_foreign_key(tmp_path: Path) -> None:
    files = {
        "0001": "CREATE TABLE shop.a (id bigint PRIMARY KEY);"
        "CREATE TABLE shop.b (a bigint REFERENCES shop.a);",
        "0002": "CREATE INDEX ON shop.b (a) WHERE a IS NOT NULL;",
    }
    migrations = written(tmp_path, files)
    assert lint_migrations(migrations, release=("0001", "0002")).findings == []
    apart = lint_migrations(migrations, release=()).findings
    assert "foreign-key-without-index" not in rules(apart)


@pytest.mark.parametrize(
    ("later", "wanted"),
    [
        ("ALTER TABLE shop.b DROP CONSTRAINT k;", []),
        ("ALTER TABLE shop.b DROP COLUMN a;", []),
        ("DROP TABLE shop.b;", []),
        ("DROP TABLE shop.a CASCADE;", []),
        ("DROP TABLE shop.b; CREATE TABLE shop.b (a bigint);", []),
        ("ALTER TABLE shop.b RENAME TO c; CREATE INDEX ON shop.c (a);", []),
        ("ALTER TABLE shop.b RENAME a TO z; CREATE INDEX ON shop.b (z);", []),
        ("ALTER TABLE shop.b RENAME TO c;", [("0001", "shop.c")]),
        ("ALTER TABLE shop.b RENAME CONSTRAINT k TO l;", [("0001", "shop.b")]),
        ("CREATE INDEX i ON shop.b (a); DROP INDEX shop.i;", [("0001", "shop.b")]),
        (
            (
                "ALTER TABLE shop.b DROP CONSTRAINT k,"
                " ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES shop.a;"
            ),
            [("0002", "shop.b")],
        ),
    ],
)
def test_a_foreign_key_is_looked_at_when_all_files_were_read(
    tmp_path: Path, later: str, wanted: list[tuple[str, str]]
) -> None:
    files = {
        "0001": "CREATE TABLE shop.a (id bigint PRIMARY KEY);"
        "CREATE TABLE shop.b (a bigint CONSTRAINT k REFERENCES shop.a);",
        "0002": later,
    }
    found = lint_migrations(written(tmp_path, files), release=()).findings
    keys = [each for each in found if "eugene:E15" in each.rule.aliases]
    assert [(each.location.file.stem, each.table) for each in keys] == wanted


def test_a_rollback_may_undo_what_its_migration_made(tmp_path: Path) -> None:
    files = {
        "0000": BASE,
        "0001": "CREATE TABLE shop.n (id bigint); ALTER TABLE shop.orders"
        " ADD COLUMN note text;",
        "0001.rollback": "ALTER TABLE shop.orders DROP COLUMN note; DROP TABLE shop.n;",
        "0002": "CREATE INDEX CONCURRENTLY i ON shop.orders (name);",
        "0002.rollback": "DROP INDEX shop.i;",
        "0003": "DROP TABLE shop.archive;",
        "0003.rollback": "CREATE TABLE shop.archive (id bigint);"
        "CREATE INDEX ON shop.archive (id);",
    }
    found = lint_migrations(written(tmp_path, files), release=()).findings
    down = [each for each in found if each.location.file.stem.endswith("rollback")]
    assert rules(down) == ["index-drop-blocks"]
    assert down[0].table == "shop.orders"


def test_a_file_that_does_not_parse_does_not_hide_the_rest(tmp_path: Path) -> None:
    text = (
        "-- ümlaut\nCREATE INDEX i ON shop.orders (name);\n\n"
        "ALTER TABLE shop.orders ADD COLUM;\n\n"
        "  ALTER TABLE shop.orders ADD CHECK (total > 0);\n"
    )
    found = lint(tmp_path, text, "CREATE INDEX j ON shop.orders (name);")
    errors = [each for each in found if each.severity is Severity.ERROR]
    assert [(each.rule.name, each.location.line) for each in errors] == [
        ("syntax-error", 4),
        ("index-blocks-writes", 2),
        ("check-scans", 6),
        ("index-blocks-writes", 1),
    ]
    assert errors[0].location.column == 34
    assert "syntax error" in errors[0].message


def test_an_open_quote_leaves_what_stands_before_it(tmp_path: Path) -> None:
    found = lint(tmp_path, "CREATE INDEX i ON shop.orders (name);\nSELECT 'open;\n")
    assert {"syntax-error", "index-blocks-writes"} <= set(rules(found))


def test_data_for_copy_is_told_by_its_line(tmp_path: Path) -> None:
    found = lint(tmp_path, "SELECT 1;\nCOPY shop.items FROM STDIN;\n1\n2\n\\.\n")
    assert rules(found)[0] == "syntax-error"
    assert found[0].location.line in (2, 3)


def test_statements_between_begin_and_commit_are_linted(tmp_path: Path) -> None:
    found = lint(tmp_path, "BEGIN;\n\nCREATE INDEX i ON shop.orders (name);\n\nCOMMIT;")
    places = [(each.rule.name, each.location.line) for each in found]
    assert places[0] == ("transaction-control", 1)
    assert places[1] == ("index-blocks-writes", 3)
    assert places[-1] == ("transaction-control", 5)


def test_a_statement_under_a_lock_names_the_line_of_the_lock(tmp_path: Path) -> None:
    found = lint(
        tmp_path,
        "ALTER TABLE shop.orders ADD COLUMN a int;\n"
        "UPDATE shop.items SET id = 1 WHERE id = 2;\n"
        "UPDATE shop.items SET id = 3 WHERE id = 4;\n",
    )
    assert [(each.location.line, each.message) for each in found] == [
        (
            2,
            (
                "rows of shop.items are changed while readers and writers of "
                "shop.orders wait for the ACCESS EXCLUSIVE lock of line 1"
            ),
        )
    ]


def test_a_second_table_that_is_locked_is_a_notice(tmp_path: Path) -> None:
    text = (
        "ALTER TABLE shop.orders ADD COLUMN a int;"
        "ALTER TABLE shop.items ADD COLUMN a int;"
        "ALTER TABLE shop.archive ADD COLUMN a int;"
    )
    found = lint(tmp_path, text)
    assert [(each.rule.name, each.severity) for each in found] == [
        ("work-under-lock", Severity.NOTICE)
    ]


def test_a_longer_varchar_is_harmless_except_where_a_check_or_an_index_reads_it(
    tmp_path: Path,
) -> None:
    table = "CREATE TABLE shop.n (a varchar(9), b varchar(9) CHECK (b <> ''));"
    assert not lint(tmp_path, table, "ALTER TABLE shop.n ALTER a TYPE varchar(20);")
    found = lint(tmp_path, table, "ALTER TABLE shop.n ALTER b TYPE varchar(20);")
    assert rules(found)[0] == "type-change-rewrites"
    assert "its rows are scanned" in found[0].message


def test_the_shipped_migrations_have_the_findings_that_are_known() -> None:
    migrations = read_migrations([shipped("migrations")])
    together = lint_migrations(migrations, release=[m.id for m in migrations])
    assert set(rules(together.findings)) == {"enum-created"}
    assert "events.events" in together.schema.tables


def test_a_rule_has_one_name_and_names_that_others_know() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    eugene = {alias for rule in RULES for alias in rule.aliases if "eugene" in alias}
    assert eugene == {
        *(f"eugene:E{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15)),
        *(f"eugene:W{n}" for n in (12, 13, 14)),
    }
