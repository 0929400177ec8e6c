"""The machines: pure, `on(event, now) -> [Effect]`; no clock, disk, socket or thread."""
