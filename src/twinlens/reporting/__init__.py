"""Reports, cards and tables, made from results and never recomputing them."""
