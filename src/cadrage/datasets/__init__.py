"""Readers and writers of research data sets, one file a data set, all yielding the types of ``types``."""
