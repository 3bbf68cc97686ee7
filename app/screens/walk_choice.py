"""Which walk? The scenario, then the way: peer to peer or through the clearing house, and on which wire."""

from functools import partial

from app.screens.choice import Choice
from app.screens.page import Page
from app.walk_values import Route, Walks

SCENARIOS = ("qr", "navigation", "rfid")
WAYS = (("p2p", "2.3.0"), ("hub", "2.3.0"), ("p2p", "2.2.1"), ("hub", "2.2.1"))


def choose_walk(page: Page, walks: Walks) -> None:
    """Ask which scenario and which way, and open its walk."""
    text = page.text

    def chosen_scenario(index: int | None) -> None:
        if index is not None:
            ways = [f"OCPI {wire} · {text.say(f'walk.via.{via}')}" for via, wire in WAYS]
            page.app.push_screen(Choice(text.say("walk.which_way"), ways), partial(chosen_way, SCENARIOS[index]))

    def chosen_way(scenario: str, index: int | None) -> None:
        if index is not None:
            page.kiosk.open_walk(walks(Route(scenario, *WAYS[index])))

    names = [text.say(f"walk.scenario.{one}") for one in SCENARIOS]
    page.app.push_screen(Choice(text.say("walk.which"), names), chosen_scenario)
