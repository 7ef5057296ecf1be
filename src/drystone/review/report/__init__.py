"""One report of a release, to read in a browser or in a pull request."""
