"""The text tower's recipe: words that land beside the pictures they describe."""
