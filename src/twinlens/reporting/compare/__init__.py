"""Several runs side by side: what differs in their recipes, in their figures, and what of that is more than noise."""
