"""What the statements of a migration really do, seen on a scratch database."""
