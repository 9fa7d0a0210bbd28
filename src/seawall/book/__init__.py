"""The order book: price grid, levels, orders, quotes of the pool and matching, as kernels over the record."""
