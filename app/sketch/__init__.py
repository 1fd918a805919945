"""A parametric sneaker renderer: designs, pictures and a catalogue made from a seed.

Start at ``design.Design``, ``render.render`` and ``catalogue.catalogue``.
"""
