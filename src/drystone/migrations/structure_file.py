"""The schema as one file of SQL, kept beside the migrations for reviews and diffs."""

from __future__ import annotations

from drystone.catalog import read_snapshot, structure
from drystone.database.session import connect
from drystone.errors import Location, SettingsError
from drystone.settings import Settings


def keep_structure(conninfo: str, settings: Settings) -> None:
    """Write the database's structure to the file that the settings name, if any.

    The file is left alone when it says so already. Raises SettingsError if it cannot be
    written.
    """
    path = settings.structure
    if path is None:
        return
    with connect(conninfo, settings) as connection:
        text = structure(read_snapshot(connection))
    try:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"the structure cannot be written: {error.strerror}",
            location=Location(path, 1),
            hint="The migrations are applied. Correct the setting structure.",
        ) from error
