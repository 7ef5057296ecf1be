"""What PostgreSQL says of a query: types, NULLs, and whether it is right at all."""
