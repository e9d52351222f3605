"""`python -m bot admin …` and `python -m bot doctor`: what the operator does without Discord."""
