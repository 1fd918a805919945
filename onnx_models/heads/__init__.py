"""Training of what reads an encoder's output: attribute heads and the same-pair verifier."""
