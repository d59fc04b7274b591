"""What is fitted on top of a trained network, on training photos alone, so that its embeddings compare better."""
