"""Card reader drivers: one file per way of seeing cards."""
