"""The contrast of two colours as WCAG 2.2 defines it (relative luminance)."""

from textual.color import Color


def contrast(ink: Color, ground: Color) -> float:
    """From 1 to 21; both colours must be opaque, or the ratio depends on what lies behind them."""
    lighter, darker = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    assert colour.a == 1, f"{colour} is translucent"
    channels = [value / 255 for value in colour.rgb]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
