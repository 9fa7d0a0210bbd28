"""What happened at the venue, in SQL: orders, fills, payments, candles and all else that people ask for later."""
