"""How far the judgements of a project can be trusted.

``table`` holds all grades as arrays; ``agreement`` measures the raters together, ``raters`` each of them, ``flags``
says whose figures stand out; ``pilot`` compares grids; ``report`` is all of it as one value, ``page`` shows that.
``boxes`` is for projects of captions.
"""
