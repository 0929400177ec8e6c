"""The operations console: what central operations see of stations and money. Shows; changes nothing at a station."""
