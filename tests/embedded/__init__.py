"""The embedded server: real ones, as root and as a plain user."""
