"""What each role may do, and what it may not."""
