"""Random, mostly valid SQL, to hold what Drystone says of queries against their rows.

``schema.py`` makes and fills the tables, ``grammar.py`` holds expressions as templates.
``expressions.py``, ``sources.py``, ``selects.py`` and ``changes.py`` make statements of
them, ``trial.py`` describes and executes them.
"""
