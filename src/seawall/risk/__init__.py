"""Tail forecasts, calibration and the two margins they propose. Floats live here; proposals leave as integers."""
