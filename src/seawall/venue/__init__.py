"""The venue as a service: the engine behind a wire that existing bots and wallets speak, durable and observed."""
