"""Liquidation (SPEC section 9): the queue of unhealthy buckets and the stages that close them, as kernels."""
