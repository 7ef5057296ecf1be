"""Connections, pools, transactions and bulk loading, on psycopg 3."""
