"""The ground floor: the nouns every other room speaks in. Standard library only."""
