"""`evroam` alone: the app, on the embedded demo network."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from core.data_folder import data_folder
from core.driver_client import DriverClient
from core.driver_messages import PinIdentification
from core.log_file import logging_to
from core.network import Network, NetworkThread

if TYPE_CHECKING:
    from app.kiosk import Connect
    from app.walk_values import Guide, Route

_HOME = "embedded"


def open_app(
    data: Path | None = None,
    *,
    kiosk: bool = False,
    speed: float = 60.0,
    language: str = "en",
    light: bool = False,
) -> None:
    """Run the app until it is left. Raises EvroamError where the data folder or a store cannot be used."""
    from app.kiosk import Kiosk, Mode, Standpoint
    from app.memory import Memory
    from app.text import Text
    from core.demo import demo_network

    folder = data_folder(data)
    text = Text(language)
    start = demo_network().start
    with logging_to(folder / "evroam.log"):
        network = NetworkThread(folder, speed=speed)
        network.start()
        app = Kiosk(
            connect_to(network, demo_driver=not kiosk),
            Standpoint(start.place, start.latitude, start.longitude, ZoneInfo("Europe/Berlin")),
            mode=Mode.KIOSK if kiosk else Mode.DRIVER,
            text=text,
            memory=None if kiosk else Memory.open(folder, _HOME),
            walks=None if kiosk else _walk,
            dark=not light,
        )
        try:
            app.run()
        finally:
            network.stop()
    if network.error is not None:
        raise network.error


def _walk(route: "Route") -> "Guide":
    """What a field tester's walk needs is loaded when the first one is opened."""
    from app.commands.walk_guide import EmbeddedGuide

    return EmbeddedGuide(route)


def connect_to(network: NetworkThread, *, demo_driver: bool) -> "Connect":
    """How the app gets its client: once the network in the thread stands, with the demo driver identified if wanted."""

    async def connect() -> DriverClient:
        running = await asyncio.to_thread(network.wait)
        client = DriverClient(running.driver_url, running.driver_tls)
        if demo_driver:
            await _identify(client, running)
        return client

    return connect


async def _identify(client: DriverClient, network: Network) -> None:
    driver = network.demo.driver
    await client.identify(PinIdentification(contract_id=driver.contract, pin=driver.pin))
