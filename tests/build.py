"""Plain worlds (dicts and ints, as the model reads them) turned into the records the package reads."""

from typing import Any

from seawall.terms.asset import Asset, Holding, check_asset
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions, MarginPolicy, check_bucket
from seawall.terms.market import Mark, Market, market
from seawall.units import FundingIndex, Lots, Price, Rate, UsdMicro

World = dict[str, Any]


def market_of(row: dict[str, Any], name: str = "M") -> Market:
    return market(
        name,
        size_decimals=0,
        tiers=[(UsdMicro(lower), leverage, Rate(rate)) for lower, leverage, rate in row["tiers"]],
        price_max=Price(row["price_max"]),
        initial_live=Rate(row["initial_live"]),
        open_interest_lower=UsdMicro(row["oi_lower"]),
        open_interest_upper=UsdMicro(row["oi_upper"]),
    )


def mark_of(row: dict[str, Any]) -> Mark:
    return Mark(
        mark=Price(row["mark"]),
        oracle=Price(row["oracle"]),
        funding_index=FundingIndex(row["funding_index"]),
        open_interest=UsdMicro(row["open_interest"]),
    )


def asset_of(row: dict[str, Any], name: str = "A") -> Asset:
    return check_asset(Asset(name=name, size_decimals=0, **row))


def position_of(row: dict[str, Any]) -> Position:
    return Position(**row)


def bucket_of(world: World) -> Bucket:
    row = world["bucket"]
    return Bucket(
        raw_usd=UsdMicro(row["raw_usd"]),
        positions=tuple(position_of(p) for p in row["positions"]),
        collateral=tuple(Holding(name, Lots(balance)) for name, balance in row["collateral"]),
    )


def conditions_of(world: World) -> Conditions:
    return Conditions(
        markets={name: market_of(row, name) for name, row in world["markets"].items()},
        marks={name: mark_of(row) for name, row in world["marks"].items()},
        assets={name: asset_of(row, name) for name, row in world["assets"].items()},
        policy=MarginPolicy(**world["policy"]),
    )


def terms_of(world: World) -> tuple[Bucket, Conditions]:
    """The checked records of a world. A world beyond the bounds raises BadInput: strategies must not make one."""
    bucket, conditions = bucket_of(world), conditions_of(world)
    return check_bucket(bucket, conditions), conditions
