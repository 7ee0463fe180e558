"""What is known of the photos, on disk: catalog, vectors and index, with one commit point."""
