"""GET /ws: subscriptions, pushes and posted requests, as Hyperliquid speaks them (docs/venue/websocket.md)."""
