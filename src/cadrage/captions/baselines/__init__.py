"""What caption-guided cropping is compared with."""
