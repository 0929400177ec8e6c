"""Which paper is printed on, how wide and how long: checked when a driver is made, not at the first slip."""

from __future__ import annotations

from edge_agent.drivers.open import DriverError

WIDTH_DOTS_MIN, WIDTH_DOTS_MAX = 320, 640
# Rows of the longest job: the longest slip (about 2050: a copy on 58 mm, with a long address, payee and amount), a band
# of 255 to clear away what an earlier one may have left, and some to spare.
JOB_ROWS_MAX = 2400


def check_width(driver: str, width_dots: int) -> None:
    """Refuse a width that cannot be drawn for.

    Raises:
        DriverError: not a multiple of 8 from 320 (58 mm heads have 384) to 640.
    """
    if width_dots % 8 or not WIDTH_DOTS_MIN <= width_dots <= WIDTH_DOTS_MAX:
        raise DriverError(
            f"driver {driver}: width_dots must be a multiple of 8 from {WIDTH_DOTS_MIN} to {WIDTH_DOTS_MAX}, "
            f"not {width_dots}: 576 for most 80 mm printers, 384 for 58 mm"
        )
