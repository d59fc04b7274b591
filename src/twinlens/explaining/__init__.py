"""What drove a decision: explaining a pair from an encoder and a comparison alone."""
