"""What a prompt may be besides plain words: structured JSON, colours, styles. Torch-free values and rules.

`wording.word` is the way in; each other module owns one noun.
"""
