"""Typed modules from described queries, and whether they are still true."""
