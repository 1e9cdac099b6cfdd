"""The budget guard: may a call be made, and what did it spend. The application's door is `guard.budget`."""
