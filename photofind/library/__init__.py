"""Storage: what is known of the photos, and their embeddings."""
