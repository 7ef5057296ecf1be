"""What the statements of a migration do to those who use the database."""
