"""The right-click entry "Find similar photos", with one module per file manager."""
