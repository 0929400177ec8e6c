"""Printer drivers: one file per way of reaching a printer; the rest of the folder is what they share."""
