"""Draws the picture of the README: the app while it charges, over the embedded network on a clock that stands still.

python -m tests.app.picture
"""

import asyncio
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from app.kiosk import Kiosk
from core.driver_messages import Need, NeedKind, QuoteRequest
from core.model.parties import ObjectKey
from core.simulation.typical_cars import typical_cars
from tests.app.conftest import screen_svg
from tests.app.front import Beside, settled, until
from tests.networks import advance

PICTURE = Path(__file__).resolve().parents[2] / "assets" / "pictures" / "charging.svg"
SIZE = (120, 40)
NEED = Need(kind=NeedKind.STATE_OF_CHARGE, amount=Decimal(80), battery_kwh=Decimal(77), arrival_percent=Decimal(15))
SITE = ObjectKey(country_code="CH", party_id="ALP", id="ALP-ZH-HARD")
EVSE_UID = "ALP-ZH-HARD-C1"
CAR = 2
MINUTES = 16


async def charging(beside: Beside) -> str:
    """The screen some minutes after a start, as SVG."""
    app = beside.kiosk(identified=True)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        station, car = beside.network.equipment_at(EVSE_UID), typical_cars()[CAR]
        await beside.run(station.plug_in(EVSE_UID, car, percent=int(NEED.arrival_percent)))
        request = QuoteRequest(site=SITE, evse_uid=EVSE_UID, connector_id="1", need=NEED)
        app.start(await app.client.quote(request))
        await until(pilot, app.live.running)
        for _ in range(MINUTES):
            await beside.run(advance(beside.network, minutes=1))
            await until(pilot, lambda: _has_reported(app, beside))
        app.tick()
        await settled(pilot)
        return screen_svg(app)


def _has_reported(app: Kiosk, beside: Beside) -> bool:
    """Whether the station's last word is as late as the clock."""
    word = app.live.running()[0].last_word_at
    return word is not None and (beside.clock.now() - word).total_seconds() < 60


def main() -> None:
    """Draw it."""
    with TemporaryDirectory() as folder, Beside(Path(folder)).running() as beside:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(asyncio.run(charging(beside)), encoding="utf-8")


if __name__ == "__main__":
    main()
