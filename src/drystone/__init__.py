"""Drystone: a raw-SQL, migration-first data platform for PostgreSQL."""
