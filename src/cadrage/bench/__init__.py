"""Comparison of crop scorers and croppers on data that people have rated."""
