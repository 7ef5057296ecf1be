"""The system ideas."""
