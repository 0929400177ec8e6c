"""Floor 1: who a station is, whom it believes, and how it comes to be enrolled."""
