"""Caption-guided cropping: the crop's own parameters are optimised through frozen networks (CAGIC)."""
