"""The same product across shops: which offers stand under one product, and why.

Rules from the surest to the weakest: GTIN, maker's style code, brand with model and colourway in
words, shared photographs, the encoder's pair verifier. Each joining leaves its evidence
(``offer_match``). What a person decided goes before every rule and outlives every run. Two
colourways are never joined: differing style codes, colours, or two products that one shop itself
tells apart forbid it.
"""

from etl.match.decide import decide_join, decide_split
from etl.match.run import MatchReport, match

__all__ = ["MatchReport", "decide_join", "decide_split", "match"]
