"""Answers: one definition of each measure, used by CLI, API and dashboard alike."""
