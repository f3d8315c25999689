"""Preference studies, as CAGIC (Pattern Recognition 2022) held two: people compare methods without knowing them.

``methods`` finds what each method made of each photograph, ``making`` puts it into a project file, ``programme``
says who is shown what; ``shares``, ``ranking`` and ``report`` say what came of it, ``records`` lists every vote.
"""
