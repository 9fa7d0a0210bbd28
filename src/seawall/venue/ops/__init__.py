"""Running a venue: limits, logs, metrics, the admin's port, alerts, start and stop."""
