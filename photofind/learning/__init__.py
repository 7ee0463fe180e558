"""Evaluate, train, feedback, explain."""
