"""Runs that are there: their reports, their tables for papers, and comparisons of them."""
