"""How the sample model is made: scenes, captions, training, export and the reader that judges pictures.

Nothing that serves requests imports this package; tests import its reader and its scenes.
"""
