"""Alerts: rules over an account or the venue, watched as the log goes by, told through Apprise."""
