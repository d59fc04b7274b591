"""Networks: crops in, embeddings out."""
