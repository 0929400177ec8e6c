"""Barcode scanner drivers: one file per way of reading a scanner."""
