"""Named queries loaded when a program starts, through aiosql."""
