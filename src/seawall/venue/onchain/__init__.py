"""A venue whose accounts are kept on a chain: deposits from its vault, trades settled there, withdrawals out of it."""
