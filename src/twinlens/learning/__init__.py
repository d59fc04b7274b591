"""Training, the only part of twinlens that uses torch; it ends in a bundle."""
