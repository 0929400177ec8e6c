"""The portrait of a simulated card: a drawing that says MÔ PHỎNG, about 20 kB as on a real one. Decides nothing."""

from __future__ import annotations

import io
import random
from functools import lru_cache
from typing import Literal

import font_roboto
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 240, 320


@lru_cache(maxsize=16)
def portrait(seed: int, kind: Literal["jpeg", "jpeg2000"] = "jpeg") -> bytes:
    """Draw the portrait of this seed."""
    draw = random.Random(f"portrait {seed}")  # noqa: S311 - colours
    # Noise, because a drawing alone would be too small a file to be like a photograph.
    noise = Image.frombytes("L", (WIDTH, HEIGHT), draw.randbytes(WIDTH * HEIGHT)).convert("RGB")
    image = Image.blend(noise, Image.new("RGB", noise.size, _colour(draw)), 0.6)
    pen = ImageDraw.Draw(image)
    pen.ellipse((70, 60, 170, 190), fill=_colour(draw))
    pen.rounded_rectangle((30, 210, 210, 340), 60, fill=_colour(draw))
    font = ImageFont.truetype(font_roboto.font_files["RobotoBold"], 40)
    pen.text((WIDTH // 2, 250), "MÔ PHỎNG", "white", font, anchor="mm", stroke_width=3, stroke_fill="black")
    out = io.BytesIO()
    if kind == "jpeg":
        image.save(out, "JPEG", quality=60)
    else:
        image.save(out, "JPEG2000", quality_mode="rates", quality_layers=[11])
    return out.getvalue()


def _colour(draw: random.Random) -> tuple[int, int, int]:
    return draw.randint(40, 200), draw.randint(40, 200), draw.randint(40, 200)
