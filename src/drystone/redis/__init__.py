"""Redis: which one is meant, clients of it, and its health."""
