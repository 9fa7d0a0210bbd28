"""Published figures of real venues, run through the package's own functions.

`runner.py` says what a family is and how figures are compared, one module a venue holds the families,
`families.py` lists them, `suite.py` reads a folder of vector files and runs it.
"""
