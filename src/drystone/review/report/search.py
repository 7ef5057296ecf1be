"""What the search field looks through: a script, as a page from disk may not fetch."""

from __future__ import annotations

import json
from collections.abc import Iterator

from drystone.review.report import addresses
from drystone.review.report.review import Review
from drystone.review.report.verdicts import finding_address
from drystone.review.report.words import first_sentence

Entry = tuple[str, str, str, str]


def search_index(review: Review) -> str:
    """Return the script that gives the entries to the page: kind, name, text, address.

    It stays a script whatever the names are: in its JSON, ``<`` and all that is not
    ASCII are escaped.
    """
    entries = json.dumps(list(_entries(review)), separators=(",", ":"))
    return f"window.drystoneIndex={entries.replace('<', chr(92) + 'u003c')};\n"


def _entries(review: Review) -> Iterator[Entry]:
    tables = (review.tables or {}).values()
    for table in tables:
        page = addresses.table_page(table.shown_name)
        yield table.kind, table.shown_name, table.comment, page
    for query in review.queries:
        place = addresses.query_place(query.name)
        yield "query", query.name, query.documentation.partition("\n")[0], place
    for area in review.areas:
        path = review.paths.shown(area.area.path)
        yield "queries", area.name, path, addresses.area_page(area.name)
    for migration in review.migrations:
        page = addresses.migration_page(migration.id)
        yield "migration", migration.id, first_sentence(migration.up.text), page
    for system in review.systems:
        yield "system", system, "", addresses.system_page(system)
    for table in tables:
        page = addresses.table_page(table.shown_name)
        for column in table.columns:
            place = f"{page}#{addresses.column_anchor(column.name)}"
            yield "column", f"{table.shown_name}.{column.name}", column.type, place
        for index in table.indexes:
            yield "index", index.name, table.shown_name, f"{page}#indexes"
    for finding in review.findings or ():
        address = finding_address(review, finding)
        if address is not None:
            yield "finding", finding.rule.name, finding.message, address
