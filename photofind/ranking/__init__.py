"""Pure functions of ids and arrays: projection, smoothing, exact search, calibration."""
