"""POST /info: the questions that Hyperliquid's clients ask, answered."""
