"""The pages in a browser: one application for a project, what guards it, and the program that serves it."""
