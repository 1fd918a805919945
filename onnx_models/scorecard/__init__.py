"""The scorecard: one protocol a module, every entrant asked the same questions.

``bench`` holds the labelled photographs, ``entrants`` what is measured (ONNX encoders, plain
descriptors, their combinations, label tables), ``run`` measures and keeps results on disk, and
``report`` writes docs/scorecard.md with its drawings.
"""
