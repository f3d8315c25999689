"""From pictures to words: the small captioner that is shipped, and those of ``transformers``."""
