"""The DBA's view: what the text of migrations and queries cannot say by itself."""
