"""A folder becomes a library: exclude rules, scan, comparison, pipeline."""
