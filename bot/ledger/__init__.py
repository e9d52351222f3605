"""The source of truth: every accepted job, its state, its owner and where its picture goes."""
