"""The dream sneaker: a picture, what should change, a new picture, the nearest real ones.

``read`` turns words into changes, ``apply`` changes a design, ``generators`` draw it, ``sessions``
keep the steps, ``find`` looks for what really exists; ``Dreamer`` is all of it together.
"""
