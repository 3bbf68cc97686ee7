"""Locations to sites of the model and back."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from core.endpoint.ocpi import locations as wire
from core.endpoint.ocpi.energy_mix import energy_mix, energy_mix_of
from core.endpoint.ocpi.reading import JsonObject
from core.endpoint.ocpi.shape import Shape, is_open, part, words_of
from core.endpoint.ocpi.types import credential_kind_of, display_text, text_of, token_type
from core.model import sites

_STANDARDS = {one.value: one for one in sites.ConnectorStandard}
WordT = TypeVar("WordT", bound=StrEnum)


def known(words: type[WordT], given: Iterable[str]) -> frozenset[WordT]:
    """The words that the model knows."""
    return frozenset(words(word) for word in given if word in words.__members__)


def in_order(given: frozenset[WordT], shape: type[Shape], member: str) -> tuple[str, ...]:
    """Words in a lasting order, without those that the version does not have."""
    return tuple(sorted(given & set(words_of(shape, member))))


def standard_of(word: str) -> sites.ConnectorStandard:
    """A connector's standard; a word of a partner's own is another standard to us."""
    return _STANDARDS.get(word, sites.ConnectorStandard.OTHER)


def point_of(shape: wire.GeoLocation) -> sites.GeoPoint:
    """Wire to model."""
    return sites.GeoPoint(latitude=shape.latitude, longitude=shape.longitude)


def geo_location(point: sites.GeoPoint) -> wire.GeoLocation:
    """Model to wire, without the reader, which takes strings only."""
    return wire.GeoLocation.model_construct(latitude=point.latitude, longitude=point.longitude)


def image_of(shape: wire.Image) -> sites.Image:
    """Wire to model."""
    return sites.Image(
        url=shape.url,
        thumbnail=shape.thumbnail,
        category=shape.category if shape.category in wire.IMAGE_CATEGORY else "OTHER",
        type=shape.type,
        width=shape.width,
        height=shape.height,
    )


def image(value: sites.Image) -> wire.Image:
    """Model to wire."""
    return wire.Image.model_construct(
        url=value.url,
        thumbnail=value.thumbnail,
        category=value.category,
        type=value.type,
        width=value.width,
        height=value.height,
    )


def business_of(shape: wire.BusinessDetails | None) -> sites.Business | None:
    """Wire to model."""
    if shape is None:
        return None
    return sites.Business(name=shape.name, website=shape.website, logo=shape.logo and image_of(shape.logo))


def business_details(value: sites.Business | None) -> wire.BusinessDetails | None:
    """Model to wire."""
    if value is None:
        return None
    return wire.BusinessDetails.model_construct(
        name=value.name, website=value.website, logo=image(value.logo) if value.logo else None
    )


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _clock(minute: int) -> str:
    return "23:59" if minute == 1440 else f"{minute // 60:02}:{minute % 60:02}"


def _interval_of(shape: wire.ExceptionalPeriod) -> sites.Interval:
    return sites.Interval(begin=shape.period_begin, end=shape.period_end)


def _period(value: sites.Interval) -> wire.ExceptionalPeriod:
    return wire.ExceptionalPeriod.model_construct(period_begin=value.begin, period_end=value.end)


def opening_times_of(shape: wire.Hours) -> sites.OpeningTimes:
    """Wire to model; an end of 00:00 is the end of the day."""
    return sites.OpeningTimes(
        always=shape.twentyfourseven,
        weekly=tuple(
            sites.WeeklyHours(
                weekday=one.weekday,
                begin_minute=_minute(one.period_begin),
                end_minute=_minute(one.period_end) or 1440,
            )
            for one in shape.regular_hours
        ),
        exceptional_openings=tuple(map(_interval_of, shape.exceptional_openings)),
        exceptional_closings=tuple(map(_interval_of, shape.exceptional_closings)),
    )


def hours(value: sites.OpeningTimes) -> wire.Hours:
    """Model to wire; the end of the day is written 23:59, as the wire has no later time."""
    return wire.Hours.model_construct(
        twentyfourseven=value.always,
        regular_hours=tuple(
            wire.RegularHours.model_construct(
                weekday=one.weekday, period_begin=_clock(one.begin_minute), period_end=_clock(one.end_minute)
            )
            for one in value.weekly
        ),
        exceptional_openings=tuple(map(_period, value.exceptional_openings)),
        exceptional_closings=tuple(map(_period, value.exceptional_closings)),
    )


def _rule_of(shape: wire.PublishTokenType) -> sites.PublishRule:
    return sites.PublishRule(
        uid=shape.uid,
        credential_kind=credential_kind_of(shape.type) if shape.type else None,
        visual_number=shape.visual_number,
        issuer=shape.issuer,
        group_id=shape.group_id,
    )


def _publish_token(shape: type[wire.PublishTokenType], rule: sites.PublishRule) -> wire.PublishTokenType:
    return shape.model_construct(
        uid=rule.uid,
        type=rule.credential_kind and token_type(shape, rule.credential_kind),
        visual_number=rule.visual_number,
        issuer=rule.issuer,
        group_id=rule.group_id,
    )


def status_of(evse: JsonObject) -> sites.Status:
    """The status in the JSON of an EVSE that was read, and so found to have one, before."""
    return sites.Status(str(evse["status"]))


class SiteMapping:
    """Locations of one version and sites. A version that has more extends it.

    A connector whose standard the version has no word for cannot be told in it, and is left out with an EVSE that has
    no other [J].
    """

    def __init__(self, location: type[wire.Location]) -> None:
        self._location = location
        self._evse = part(location, "evses", wire.EVSE)
        self._connector = part(self._evse, "connectors", wire.Connector)
        self._only = None if is_open(self._connector, "standard") else words_of(self._connector, "standard")

    def _told(self, value: sites.EvSupplyEquipment) -> tuple[sites.Connector, ...]:
        return tuple(one for one in value.connectors if self._only is None or one.standard in self._only)

    def connector_of(self, shape: wire.Connector) -> sites.Connector:
        """Wire to model."""
        return sites.Connector(
            id=shape.id,
            standard=standard_of(shape.standard),
            format=sites.ConnectorFormat(shape.format),
            power_type=sites.PowerType(shape.power_type),
            max_voltage=shape.max_voltage,
            max_current=shape.max_amperage,
            max_power=shape.max_electric_power,
            tariff_ids=shape.tariff_ids,
            terms_and_conditions=shape.terms_and_conditions,
            last_updated=shape.last_updated,
        )

    def connector(self, value: sites.Connector) -> wire.Connector:
        """Model to wire."""
        return self._connector.model_construct(
            id=value.id,
            standard=value.standard,
            format=value.format,
            power_type=value.power_type,
            max_voltage=value.max_voltage,
            max_amperage=value.max_current,
            max_electric_power=value.max_power,
            tariff_ids=value.tariff_ids,
            terms_and_conditions=value.terms_and_conditions,
            last_updated=value.last_updated,
        )

    def equipment_of(self, shape: wire.EVSE) -> sites.EvSupplyEquipment:
        """Wire to model."""
        return sites.EvSupplyEquipment(
            uid=shape.uid,
            evse_id=shape.evse_id,
            status=sites.Status(shape.status),
            status_schedule=tuple(
                sites.ScheduledStatus(begin=one.period_begin, end=one.period_end, status=sites.Status(one.status))
                for one in shape.status_schedule
            ),
            capabilities=known(sites.Capability, shape.capabilities),
            connectors=tuple(map(self.connector_of, shape.connectors)),
            floor_level=shape.floor_level,
            point=shape.coordinates and point_of(shape.coordinates),
            physical_reference=shape.physical_reference,
            directions=tuple(map(text_of, shape.directions)),
            parking_restrictions=known(sites.ParkingRestriction, shape.parking_restrictions),
            images=tuple(map(image_of, shape.images)),
            last_updated=shape.last_updated,
        )

    def evse(self, value: sites.EvSupplyEquipment) -> wire.EVSE:
        """Model to wire."""
        return self._evse.model_construct(
            uid=value.uid,
            evse_id=value.evse_id,
            status=value.status,
            status_schedule=tuple(
                wire.StatusSchedule.model_construct(period_begin=one.begin, period_end=one.end, status=one.status)
                for one in value.status_schedule
            ),
            capabilities=in_order(value.capabilities, self._evse, "capabilities"),
            connectors=tuple(map(self.connector, self._told(value))),
            floor_level=value.floor_level,
            coordinates=geo_location(value.point) if value.point else None,
            physical_reference=value.physical_reference,
            directions=tuple(map(display_text, value.directions)),
            parking_restrictions=in_order(value.parking_restrictions, self._evse, "parking_restrictions"),
            images=tuple(map(image, value.images)),
            last_updated=value.last_updated,
        )

    def site_of(self, shape: wire.Location) -> sites.Site:
        """Wire to model."""
        return sites.Site(
            country_code=shape.country_code,
            party_id=shape.party_id,
            id=shape.id,
            publish=shape.publish,
            publish_allowed_to=tuple(map(_rule_of, shape.publish_allowed_to)),
            name=shape.name,
            address=shape.address,
            city=shape.city,
            postal_code=shape.postal_code,
            state=shape.state,
            country=shape.country,
            point=point_of(shape.coordinates),
            related_points=tuple(
                sites.RelatedPoint(point=point_of(one), name=one.name and text_of(one.name))
                for one in shape.related_locations
            ),
            parking_type=next(iter(known(sites.ParkingType, [shape.parking_type or ""])), None),
            equipment=tuple(map(self.equipment_of, shape.evses)),
            directions=tuple(map(text_of, shape.directions)),
            operator=business_of(shape.operator),
            suboperator=business_of(shape.suboperator),
            owner=business_of(shape.owner),
            facilities=known(sites.Facility, shape.facilities),
            time_zone=shape.time_zone,
            opening_times=shape.opening_times and opening_times_of(shape.opening_times),
            charging_when_closed=shape.charging_when_closed,
            images=tuple(map(image_of, shape.images)),
            energy_mix=energy_mix_of(shape.energy_mix),
            last_updated=shape.last_updated,
        )

    def location(self, value: sites.Site) -> wire.Location:
        """Model to wire."""
        rule_shape = part(self._location, "publish_allowed_to", wire.PublishTokenType)
        return self._location.model_construct(
            country_code=value.country_code,
            party_id=value.party_id,
            id=value.id,
            publish=value.publish,
            publish_allowed_to=tuple(_publish_token(rule_shape, one) for one in value.publish_allowed_to),
            name=value.name,
            address=value.address,
            city=value.city,
            postal_code=value.postal_code,
            state=value.state,
            country=value.country,
            coordinates=geo_location(value.point),
            related_locations=tuple(
                wire.AdditionalGeoLocation.model_construct(
                    latitude=one.point.latitude,
                    longitude=one.point.longitude,
                    name=display_text(one.name) if one.name else None,
                )
                for one in value.related_points
            ),
            parking_type=value.parking_type,
            evses=tuple(self.evse(one) for one in value.equipment if self._told(one) or not one.connectors),
            directions=tuple(map(display_text, value.directions)),
            operator=business_details(value.operator),
            suboperator=business_details(value.suboperator),
            owner=business_details(value.owner),
            facilities=in_order(value.facilities, self._location, "facilities"),
            time_zone=value.time_zone,
            opening_times=hours(value.opening_times) if value.opening_times else None,
            charging_when_closed=value.charging_when_closed,
            images=tuple(map(image, value.images)),
            energy_mix=energy_mix(value.energy_mix),
            last_updated=value.last_updated,
        )
