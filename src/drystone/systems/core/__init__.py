"""The system core."""
