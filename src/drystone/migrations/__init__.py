"""Migrations in yoyo's format: files, the ledger, and the runner."""
