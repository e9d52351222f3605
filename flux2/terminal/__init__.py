"""The verbs of `python -m flux2`, one per module; each has `add(commands)`, which registers its flags and its `run`.

`run(options)` returns an exit status and raises Flux2Error, OSError or KeyboardInterrupt, which `flux2.__main__` words.
"""
