"""Models of what tables take, from their columns and CHECKs."""
