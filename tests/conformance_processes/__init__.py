"""Connectors in a process of their own: the good ones, and those whose defect only a process can have.

Nothing in here imports the judge, so that a start of one costs what a start of a real connector costs.
"""
