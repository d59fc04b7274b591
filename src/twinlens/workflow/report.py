"""The report of a run, with its photos where they can be found."""
