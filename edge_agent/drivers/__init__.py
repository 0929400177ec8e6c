"""Drivers: one file per way of reaching a device, in the folder of its port; `open` finds them, `worker` runs them."""
