"""The papers' ablations as named grids of training runs."""
