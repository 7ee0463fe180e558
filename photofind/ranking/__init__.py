"""Pure functions of arrays: projection, smoothing, expansion, calibration, fusion, duplicates."""
