"""Images and sounds: their facts, and a thumbnail."""

from __future__ import annotations

import base64
import importlib
import io
import wave

from labnb.model.preview import Preview

PIXELS = 64_000_000
THUMBNAIL = 256


def image(path: str, name: str, rows: int) -> Preview:
    """Tell format, size and mode of an image; the thumbnail of one that is not too large."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the size is looked at here, before anything is decoded
    with Image.open(path) as found:
        width, height = found.size
        facts: dict[str, object] = {"format": found.format, "pixels": [width, height], "mode": found.mode}
        frames = getattr(found, "n_frames", 1)
        if frames > 1:
            facts["frames"] = frames
        if width * height > PIXELS:
            return Preview(name, "image", facts, note="too large for a thumbnail")
        found.draft("RGB", (THUMBNAIL * 2, THUMBNAIL * 2))
        small = found.convert("RGBA" if found.mode in ("RGBA", "LA", "P", "PA") else "RGB")
        small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    return Preview(name, "image", facts, image=base64.b64encode(buffer.getvalue()).decode())


def sound(path: str, name: str, rows: int) -> Preview:
    """Tell rate, channels and length of a sound."""
    if name.lower().endswith(".wav"):
        try:
            with wave.open(path, "rb") as found:
                rate, frames = found.getframerate(), found.getnframes()
                return _sound(name, rate, frames, found.getnchannels(), f"{8 * found.getsampwidth()} bit")
        except wave.Error:
            pass  # a coding that Python does not know
    info = importlib.import_module("soundfile").info(path)
    return _sound(name, info.samplerate, info.frames, info.channels, info.subtype_info)


def _sound(name: str, rate: int, frames: int, channels: int, coding: str) -> Preview:
    seconds = round(frames / rate, 3) if rate else 0
    facts = {"seconds": seconds, "rate": f"{rate:,} Hz", "channels": channels, "coding": coding}
    return Preview(name, "audio", facts)
