"""Sample shops and pictures for trying the whole thing with no network and no data."""
