"""The figures of a report: one function each, from values to a :class:`~.style.Chart`."""
