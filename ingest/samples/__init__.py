"""Digests of 90 papers in our own words, so that a newcomer has something to ask about."""
