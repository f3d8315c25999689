"""How alike two sentences are: the measures by which captions are compared."""
