"""What it takes to run it: health, metrics, logs, traces, backups."""
