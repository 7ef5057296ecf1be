"""What is known of PostgreSQL's own functions: which of them never return NULL.

The catalog does not say it, and many do return NULL for good values: ``upper`` of an
endless range, ``to_char`` of an infinite date, ``substring`` by a pattern. What is not
named here is taken to.
"""

from __future__ import annotations

_ANY_TIME = ("timestamp without time zone", "timestamp with time zone")
_NUMBERS = ("smallint", "integer", "bigint", "real", "double precision", "numeric")

# Not NULL where no argument is.
STRICT = frozenset(
    {
        *(f"{name}({number})" for name in ("abs", "sign") for number in _NUMBERS),
        *(f"{name}({n})" for name in ("ceil", "ceiling", "floor") for n in _NUMBERS),
        *(f"{name}({n})" for name in ("round", "trunc", "sqrt") for n in _NUMBERS),
        *(f"{name}({n})" for name in ("exp", "ln", "log", "log10") for n in _NUMBERS),
        *(f"{name}({n}, {n})" for name in ("power", "pow", "mod") for n in _NUMBERS),
        *(f"date_trunc(text, {each})" for each in (*_ANY_TIME, "interval")),
        *(f"date_bin(interval, {each}, {each})" for each in _ANY_TIME),
        *(f"timezone(text, {each})" for each in _ANY_TIME),
        *(f"date({each})" for each in _ANY_TIME),
        "array_to_string(anyarray, text)",
        "array_to_string(anyarray, text, text)",
        "array_to_json(anyarray)",
        "ascii(text)",
        "bit_length(text)",
        "btrim(text)",
        "btrim(text, text)",
        "cardinality(anyarray)",
        "char_length(text)",
        "character_length(text)",
        "chr(integer)",
        "convert_from(bytea, name)",
        "convert_to(text, name)",
        "date_trunc(text, timestamp with time zone, text)",
        "decode(text, text)",
        "degrees(double precision)",
        "div(numeric, numeric)",
        "encode(bytea, text)",
        "format_type(oid, integer)",
        "gcd(bigint, bigint)",
        "gcd(integer, integer)",
        "initcap(text)",
        "isempty(anyrange)",
        "isfinite(date)",
        "isfinite(interval)",
        "isfinite(timestamp with time zone)",
        "isfinite(timestamp without time zone)",
        "jsonb_array_length(jsonb)",
        "json_array_length(json)",
        "jsonb_pretty(jsonb)",
        "jsonb_set(jsonb, text[], jsonb, boolean)",
        "jsonb_strip_nulls(jsonb)",
        "jsonb_strip_nulls(jsonb, boolean)",
        "jsonb_typeof(jsonb)",
        "json_typeof(json)",
        "justify_days(interval)",
        "justify_hours(interval)",
        "justify_interval(interval)",
        "left(text, integer)",
        "length(bytea)",
        "length(text)",
        "lower(text)",
        "lower_inc(anyrange)",
        "lower_inf(anyrange)",
        "lpad(text, integer)",
        "lpad(text, integer, text)",
        "ltrim(text)",
        "ltrim(text, text)",
        "make_date(integer, integer, integer)",
        "md5(bytea)",
        "md5(text)",
        "octet_length(bytea)",
        "octet_length(text)",
        "overlay(text, text, integer)",
        "overlay(text, text, integer, integer)",
        "phraseto_tsquery(regconfig, text)",
        "phraseto_tsquery(text)",
        "plainto_tsquery(regconfig, text)",
        "plainto_tsquery(text)",
        "position(text, text)",
        "quote_ident(text)",
        "quote_literal(anyelement)",
        "quote_literal(text)",
        "radians(double precision)",
        "regexp_count(text, text)",
        "regexp_like(text, text)",
        "regexp_like(text, text, text)",
        "regexp_replace(text, text, text)",
        "regexp_replace(text, text, text, text)",
        "regexp_split_to_array(text, text)",
        "repeat(text, integer)",
        "replace(text, text, text)",
        "reverse(text)",
        "right(text, integer)",
        "round(numeric, integer)",
        "row_to_json(record)",
        "rpad(text, integer)",
        "rpad(text, integer, text)",
        "rtrim(text)",
        "rtrim(text, text)",
        'setweight(tsvector, "char")',
        "sha256(bytea)",
        "sha512(bytea)",
        "split_part(text, text, integer)",
        "starts_with(text, text)",
        "string_to_array(text, text)",
        "strpos(text, text)",
        "substr(text, integer)",
        "substr(text, integer, integer)",
        "substring(text, integer)",
        "substring(text, integer, integer)",
        "to_hex(bigint)",
        "to_hex(integer)",
        "to_json(anyelement)",
        "to_jsonb(anyelement)",
        "to_timestamp(double precision)",
        "to_tsquery(regconfig, text)",
        "to_tsquery(text)",
        "to_tsvector(regconfig, text)",
        "to_tsvector(text)",
        "translate(text, text, text)",
        "trunc(numeric, integer)",
        "ts_headline(regconfig, text, tsquery)",
        "ts_headline(regconfig, text, tsquery, text)",
        "ts_headline(text, tsquery)",
        "ts_headline(text, tsquery, text)",
        "ts_rank(tsvector, tsquery)",
        "ts_rank(tsvector, tsquery, integer)",
        "ts_rank_cd(tsvector, tsquery)",
        "ts_rank_cd(tsvector, tsquery, integer)",
        "upper(text)",
        "upper_inc(anyrange)",
        "upper_inf(anyrange)",
        "websearch_to_tsquery(regconfig, text)",
        "websearch_to_tsquery(text)",
        "width_bucket(double precision, double precision, double precision, integer)",
        "width_bucket(numeric, numeric, numeric, integer)",
        "uuidv7(interval)",
        # pgvector's distances, whatever schema the extension is in: see `known_as`.
        "vector: cosine_distance(vector, vector)",
        "vector: inner_product(vector, vector)",
        "vector: l1_distance(vector, vector)",
        "vector: l2_distance(vector, vector)",
        "vector: l2_norm(vector)",
        "vector: vector_dims(vector)",
        "vector: vector_negative_inner_product(vector, vector)",
    }
)

# Not NULL where the first argument is not, as long as no array is spread over them.
FIRST_ONLY = frozenset(
    {
        'concat_ws(text, "any")',
        "format(text)",
        'format(text, "any")',
    }
)

# Never NULL, as long as no array is spread over the arguments.
ALWAYS = frozenset(
    {
        "array_append(anycompatiblearray, anycompatible)",
        "array_prepend(anycompatible, anycompatiblearray)",
        "clock_timestamp()",
        'concat("any")',
        "current_database()",
        "gen_random_uuid()",
        "json_build_array()",
        'json_build_array("any")',
        "json_build_object()",
        'json_build_object("any")',
        "jsonb_build_array()",
        'jsonb_build_array("any")',
        "jsonb_build_object()",
        'jsonb_build_object("any")',
        "now()",
        'num_nonnulls("any")',
        'num_nulls("any")',
        "pg_backend_pid()",
        "pi()",
        "random()",
        "statement_timestamp()",
        "transaction_timestamp()",
        "uuidv4()",
        "uuidv7()",
        "version()",
    }
)

# Aggregates that are 0, not NULL, where there is no row.
COUNTS = frozenset({"count()", 'count("any")'})

# Aggregates that are not NULL as soon as there is a row.
COLLECTING = frozenset(
    {
        "array_agg(anyarray)",
        "array_agg(anynonarray)",
        "json_agg(anyelement)",
        'json_object_agg("any", "any")',
        "jsonb_agg(anyelement)",
        'jsonb_object_agg("any", "any")',
    }
)

# Aggregates that are not NULL as soon as one value is not: of any type.
SUMMARIES = frozenset(
    {
        "avg",
        "bit_and",
        "bit_or",
        "bool_and",
        "bool_or",
        "every",
        "max",
        "min",
        "string_agg",
        "sum",
    }
)

# Window functions that are never NULL, and those that hand on a value of the frame.
RANKS = frozenset(
    {
        "cume_dist()",
        "dense_rank()",
        "ntile(integer)",
        "percent_rank()",
        "rank()",
        "row_number()",
    }
)
ENDS = frozenset({"first_value(anyelement)", "last_value(anyelement)"})

# Functions in FROM, by their columns: whether each is never NULL.
ROW_SOURCES: dict[str, tuple[bool, ...]] = {
    **{f"generate_series({n}, {n})": (True,) for n in ("integer", "bigint", "numeric")},
    **{
        f"generate_series({n}, {n}, {n})": (True,)
        for n in ("integer", "bigint", "numeric")
    },
    **{f"generate_series({t}, {t}, interval)": (True,) for t in _ANY_TIME},
    "generate_subscripts(anyarray, integer)": (True,),
    "json_array_elements(json)": (True,),
    "json_each(json)": (True, True),
    "json_each_text(json)": (True, False),
    "json_object_keys(json)": (True,),
    "jsonb_array_elements(jsonb)": (True,),
    "jsonb_each(jsonb)": (True, True),
    "jsonb_each_text(jsonb)": (True, False),
    "jsonb_object_keys(jsonb)": (True,),
    "regexp_split_to_table(text, text)": (True,),
    "string_to_table(text, text)": (True,),
}

# Operators on these types, or arrays of them, answer every value with a value.
_OPERANDS = frozenset(
    {
        *_NUMBERS,
        *_ANY_TIME,
        "anyarray",
        "anycompatible",
        "anycompatiblearray",
        "anyelement",
        "anyenum",
        "anymultirange",
        "anynonarray",
        "anyrange",
        "bit varying",
        "bit",
        "boolean",
        "bytea",
        "character varying",
        "character",
        "cidr",
        "date",
        "inet",
        "interval",
        "money",
        "name",
        "oid",
        "text",
        "time with time zone",
        "time without time zone",
        "tsquery",
        "tsvector",
        "uuid",
    }
)
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_MATCHES = frozenset({"~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "^@"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "||", "@", "&", "|", "#"})
_SETS = frozenset({"@>", "<@", "&&", "@@", "<<", ">>", "-|-"})
_OPERATORS = _COMPARISONS | _MATCHES | _ARITHMETIC | _SETS
_JSONB = frozenset({"||", "-", "@>", "<@", "?", "?|", "?&", "#-", *_COMPARISONS})

# Casts that lose what the new type has no value for.
_LOSSY_CASTS = frozenset(
    {f"{target}({source})" for target in ("time", "timetz") for source in _ANY_TIME}
)


def known_as(signature: str) -> str:
    """Return a signature without the schemas that an extension may lie in."""
    extension, colon, rest = signature.partition(": ")
    if not colon:
        return signature
    name, _, arguments = rest.partition("(")
    bare = ", ".join(each.rpartition(".")[2] for each in arguments.split(", "))
    return f"{extension}: {name.rpartition('.')[2]}({bare}"


def operator_gives_value(name: str, left: str | None, right: str) -> bool:
    """Tell whether an operator of PostgreSQL's own is never NULL for values."""
    operands = {right} if left is None else {left, right}
    if "jsonb" in operands:
        return name in _JSONB
    return name in _OPERATORS and operands <= _OPERANDS


def cast_gives_value(signature: str) -> bool:
    """Tell whether a cast of PostgreSQL's own is never NULL for a value."""
    of_json = "(json" in signature  # since version 18, JSON's null becomes NULL
    return not of_json and signature not in _LOSSY_CASTS
