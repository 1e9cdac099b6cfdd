"""`Call` to charges: a dated catalogue, a matcher that says why, and a pure pricing function."""
