"""Ask a service from Python, in the words and values in which verifier and gallery are asked in one's own process."""
