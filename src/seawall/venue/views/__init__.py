"""What clients see of the venue, in Hyperliquid's shapes: pure functions of a service and an account or a market."""
