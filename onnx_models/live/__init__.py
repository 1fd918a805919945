"""Training on a GPU: every view is made for its step by the GPU itself, and none is kept."""
