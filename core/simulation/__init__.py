"""Charging stations and cars that obey physics, behind the visited-CSO's equipment interface.

Everything but `world` is a pure function over frozen values in whole numbers, so that the same past gives the same
present whether it was lived through second by second or computed at once after an absence.
"""
