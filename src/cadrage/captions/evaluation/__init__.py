"""How well croppers of captions do: cases, methods, tables."""
