"""Hazards in migrations and queries, found by reading them: no database is needed."""
