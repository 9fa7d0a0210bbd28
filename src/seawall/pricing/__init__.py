"""Prices an account is judged by: index, mark, stable price and funding (SPEC sections 6 and 7)."""
