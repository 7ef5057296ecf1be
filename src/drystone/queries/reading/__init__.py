"""Files of named queries, read exactly as PostgreSQL reads them."""
