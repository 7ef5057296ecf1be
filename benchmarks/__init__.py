"""What `make bench` measures: ratios of two ways to the same result, in one run."""
