"""The terminal's side of an identity chip (eMRTD, ICAO Doc 9303): pure functions over an exchange of APDUs."""
