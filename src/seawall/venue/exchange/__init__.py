"""POST /exchange: signed actions in Hyperliquid's shape, turned into command rows, answered in its words."""
