"""Better words for a picture: prompts rewritten and pictures described by a language model, one upsampler per module.

`rewriting` is the way in; `port` says what an upsampler is. Torch-free but for `local`.
"""
