"""What named queries get wrong, seen beside the schema they are for."""
