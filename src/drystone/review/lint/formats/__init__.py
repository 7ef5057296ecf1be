"""Findings in the formats that terminals and CI systems read."""
