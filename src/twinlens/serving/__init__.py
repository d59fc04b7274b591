"""Using a bundle without torch."""
