"""Existing diffusion models as ONNX: exported with optimum, run on CPU by its pipelines.

Needs the ``export`` group. Serving runs ``worker`` as a process of its own and imports none of it.
"""
