"""The referee: a slow reading of docs/SPEC.md in exact fractions.

Written from the text alone, in the most literal way, over plain dicts, tuples and ints. It imports nothing
of the package it judges, so the two can only agree by both following the text.
"""
