"""Load on the real bot process, and kills of it."""
