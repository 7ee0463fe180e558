"""The default store: a TinyDB journal, float16 vectors and a PyNNDescent index."""
