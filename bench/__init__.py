"""Measurements: the whole runtime beside the in-process ideal, in one run, on real servers."""
