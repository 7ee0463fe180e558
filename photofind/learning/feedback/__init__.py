"""Relevance feedback: judgements re-rank the query they are about, and train a small metric."""
