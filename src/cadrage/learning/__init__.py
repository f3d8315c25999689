"""Training, evaluating and exporting crop scorers; everything here needs the extra ``train`` (torch)."""
