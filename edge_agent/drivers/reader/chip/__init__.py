"""The rooms of the virtual chip (MÔ PHỎNG): a simulated citizen card for tests and demonstrations; no driver."""
