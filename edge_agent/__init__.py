"""Floor 2, the station: many ears, one hand."""
