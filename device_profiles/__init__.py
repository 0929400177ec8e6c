"""Floor 0, the contract: what a station is and what it says. The standard library and cbor2 only."""
