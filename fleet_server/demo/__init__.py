"""The demonstration: a fleet server and simulated stations as separate processes, with residents in front of them.

Everything in here that stands for a person, a bank or a cable is simulated (MÔ PHỎNG); everything it drives is real.
"""
