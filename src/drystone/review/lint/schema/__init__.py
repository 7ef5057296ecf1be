"""The schema that the files before a statement make, by reading them alone."""
