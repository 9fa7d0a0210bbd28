"""Forecasts and proposals inside the venue."""
