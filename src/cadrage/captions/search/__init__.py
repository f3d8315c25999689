"""The search for a box: where it starts, how it goes on, and how its runs become one answer."""
