"""From crops to how pleasing they are, with gradients."""
