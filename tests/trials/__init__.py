"""Trials: what the programs are put through, as often as one asks; each says how often it held.

A trial is a function of a directory and a random seed that raises AssertionError where something does not
hold. The suite runs each a few times; `python -m tests.trials NAME --count N` runs it often, and counts.
"""
