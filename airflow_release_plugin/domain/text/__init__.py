"""Values and words: read strictly, searched, suggested, and said in one way."""
