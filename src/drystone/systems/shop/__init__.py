"""The system shop."""
