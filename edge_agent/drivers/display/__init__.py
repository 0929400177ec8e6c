"""Displays: how a screen value reaches the resident's eyes, and a touch the inbox."""
