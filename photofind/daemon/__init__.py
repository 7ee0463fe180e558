"""The background process: assemble, lock, run, stop; its local HTTP API and its client."""
