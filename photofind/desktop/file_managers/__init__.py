"""The right-click "Find similar photos", one module for each file manager."""
