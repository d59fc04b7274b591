"""What a sweep says: in words, in figures and on a page."""
