"""The app's own themes: calm, high in contrast, and with one accent colour, which is kept for the next step.

Every pair of text and ground has a contrast of at least 7:1 (WCAG 2.2, 1.4.6), status colours at least 4.5:1; a test
computes them. Colour never says anything alone: a shape and a word stand beside it, so that NO_COLOR loses nothing.
"""

from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from textual.app import App
from textual.theme import Theme

ResultType = TypeVar("ResultType")

STYLES = Path(str(files("assets").joinpath("styles", "evroam.tcss")))
"""The style sheet of the app, for `CSS_PATH`."""

BREAKPOINTS = [(0, "-small"), (72, "-medium"), (120, "-wide")]
"""Classes that a screen gets by its width in cells, for `HORIZONTAL_BREAKPOINTS`."""

TEXT_COLOURS = (
    "foreground",
    "text",
    "text-muted",
    "text-disabled",
    "foreground-muted",
    "foreground-disabled",
    "accent",
    "primary",
)
"""Theme variables that colour words."""
STATUS_COLOURS = ("success", "warning", "secondary", "error")
"""Theme variables that colour a status shape and its word."""
GROUNDS = ("background", "surface", "panel", "block-cursor-background", "block-cursor-blurred-background")
"""Theme variables that words stand on."""
PAIRS = (
    ("button-foreground", "surface"),
    ("button-color-foreground", "accent"),
    ("button-color-foreground", "primary"),
    ("button-color-foreground", "success"),
    ("button-color-foreground", "warning"),
    ("button-color-foreground", "error"),
    ("block-cursor-foreground", "block-cursor-background"),
    ("block-cursor-blurred-foreground", "block-cursor-blurred-background"),
    ("input-cursor-foreground", "input-cursor-background"),
    ("input-selection-foreground", "input-selection-background"),
    ("screen-selection-foreground", "screen-selection-background"),
    ("footer-foreground", "footer-background"),
    ("footer-key-foreground", "footer-background"),
    ("footer-description-foreground", "footer-background"),
    ("link-color", "surface"),
    ("link-color-hover", "link-background-hover"),
)
"""Further pairs of words and ground that Textual's own widgets use."""


def _theme(name: str, *, dark: bool, ink: dict[str, str], ground: dict[str, str]) -> Theme:
    text, muted, on_colour = ink["text"], ink["muted"], ink["on_colour"]
    return Theme(
        name=name,
        dark=dark,
        primary=ink["accent"],
        accent=ink["accent"],
        secondary=ink["busy"],
        success=ink["free"],
        warning=ink["partly"],
        error=ink["fault"],
        foreground=text,
        background=ground["background"],
        surface=ground["surface"],
        panel=ground["panel"],
        variables={
            "text": text,
            "text-muted": muted,
            "text-disabled": muted,
            "foreground-muted": muted,
            "foreground-disabled": muted,
            "border": ink["accent"],
            "border-blurred": ground["line"],
            "block-cursor-foreground": text,
            "block-cursor-background": ground["cursor"],
            "block-cursor-blurred-foreground": text,
            "block-cursor-blurred-background": ground["panel"],
            "block-hover-background": ground["panel"],
            "button-foreground": text,
            "button-color-foreground": on_colour,
            "button-focus-text-style": "bold",
            "input-cursor-foreground": ground["background"],
            "input-cursor-background": text,
            "input-selection-foreground": text,
            "input-selection-background": ground["cursor"],
            "screen-selection-foreground": text,
            "screen-selection-background": ground["cursor"],
            "footer-foreground": text,
            "footer-background": ground["background"],
            "footer-key-foreground": ink["accent"],
            "footer-description-foreground": text,
            "link-color": ink["accent"],
            "link-color-hover": on_colour,
            "link-background-hover": ink["accent"],
            "scrollbar": ground["line"],
            "scrollbar-hover": muted,
            "scrollbar-active": ink["accent"],
            "scrollbar-background": ground["background"],
        },
    )


DARK = _theme(
    "evroam-dark",
    dark=True,
    ink={
        "text": "#eef3f7", "muted": "#b4c1cd", "on_colour": "#06111a", "accent": "#7cc8ff",
        "free": "#74dd92", "partly": "#ffd866", "busy": "#ffb787", "fault": "#ffa3a3",
    },
    ground={"background": "#0b1016", "surface": "#111922", "panel": "#18232e", "cursor": "#1c3447", "line": "#3a4a59"},
)  # fmt: skip

LIGHT = _theme(
    "evroam-light",
    dark=False,
    ink={
        "text": "#0f1820", "muted": "#36434f", "on_colour": "#ffffff", "accent": "#07487c",
        "free": "#0b5426", "partly": "#5e4300", "busy": "#783300", "fault": "#8c1420",
    },
    ground={"background": "#f6f8fa", "surface": "#ffffff", "panel": "#eaeff4", "cursor": "#d6e8f7", "line": "#a9b6c2"},
)  # fmt: skip

THEMES = (DARK, LIGHT)


def register_themes(app: App[ResultType], dark: bool = True) -> None:
    """Give an app its themes and choose one."""
    for theme in THEMES:
        app.register_theme(theme)
    app.theme = (DARK if dark else LIGHT).name
