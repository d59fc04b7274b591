"""Descriptors of crops that are made by hand and compared in a learned space."""
