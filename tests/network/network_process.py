"""A network in a process of its own, to be killed: `python -m tests.network.network_process FOLDER`.

Prints the address of the driver API once it stands and every site is known; ends when its input does, so that it never
outlives a test.
"""

import asyncio
import sys
from pathlib import Path

from core.network import Network
from core.simulation.station import Drivers
from tests.networks import until_sites_are_known

SPEED = 60.0
"""Demo seconds a second."""

_DRIVERS = Drivers(auto_plug_after=8, auto_unplug_after=60)


async def main(folder: Path) -> None:
    """Run until the input ends."""
    async with Network.running(folder, speed=SPEED, drivers=_DRIVERS) as network:
        await until_sites_are_known(network)
        print(network.driver_url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
