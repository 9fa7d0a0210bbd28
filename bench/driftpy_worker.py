"""Runs inside driftpy's own environment: prints how many users a second its `can_be_liquidated` judges.

The client only hands out prepared market accounts, so nothing is fetched: what is timed is driftpy's own
margin code on users of four perpetual positions and a USDC deposit.
"""

import json
import random
import sys
import time
from types import SimpleNamespace

from driftpy.constants.numeric_constants import BASE_PRECISION, PRICE_PRECISION, QUOTE_PRECISION
from driftpy.drift_user import DriftUser
from driftpy.types import (
    ContractType,
    MarginMode,
    MarketStatus,
    OraclePriceData,
    PerpPosition,
    SpotBalanceType,
    SpotPosition,
)

USERS, MARKETS, HELD = 500, 20, 4
INTEREST_ONE = 10**10
chance = random.Random(7)


def oracle(price):
    return OraclePriceData(
        price=price, slot=0, confidence=0, twap=price, twap_confidence=0, has_sufficient_number_of_data_points=True
    )


def perp_market(index):
    return SimpleNamespace(
        market_index=index,
        status=MarketStatus.Active(),
        contract_type=ContractType.Perpetual(),
        quote_spot_market_index=0,
        margin_ratio_initial=500,
        margin_ratio_maintenance=300,
        high_leverage_margin_ratio_initial=0,
        high_leverage_margin_ratio_maintenance=0,
        imf_factor=1_000,
        unrealized_pnl_initial_asset_weight=10_000,
        unrealized_pnl_maintenance_asset_weight=10_000,
        unrealized_pnl_imf_factor=0,
        unrealized_pnl_max_imbalance=0,
        expiry_price=0,
        amm=SimpleNamespace(
            cumulative_funding_rate_long=0, cumulative_funding_rate_short=0, order_step_size=1, per_lp_base=0
        ),
    )


def usdc_market():
    return SimpleNamespace(
        market_index=0,
        decimals=6,
        cumulative_deposit_interest=INTEREST_ONE,
        cumulative_borrow_interest=INTEREST_ONE,
        initial_asset_weight=10_000,
        maintenance_asset_weight=10_000,
        initial_liability_weight=10_000,
        maintenance_liability_weight=10_000,
        imf_factor=0,
        scale_initial_asset_weight_start=0,
        deposit_balance=0,
        historical_oracle_data=SimpleNamespace(last_oracle_price_twap5min=PRICE_PRECISION),
    )


def client():
    perps = [perp_market(index) for index in range(MARKETS)]
    prices = [oracle(chance.randint(1, 1_000) * PRICE_PRECISION) for _ in perps]
    usdc, dollar = usdc_market(), oracle(PRICE_PRECISION)
    return SimpleNamespace(
        program=SimpleNamespace(provider=SimpleNamespace(connection=None)),
        get_perp_market_account=perps.__getitem__,
        get_spot_market_account=lambda _: usdc,
        get_oracle_price_data_for_perp_market=prices.__getitem__,
        get_oracle_price_data_for_spot_market=lambda _: dollar,
    )


def position(index, price):
    size = chance.choice([1, -1]) * chance.randint(1, 1_000) * BASE_PRECISION // 100
    entry = -size * price // BASE_PRECISION * chance.randint(95, 105) // 100
    zeros = dict.fromkeys(PerpPosition.__dataclass_fields__, 0)
    made = {"base_asset_amount": size, "quote_asset_amount": entry, "quote_entry_amount": entry, "market_index": index}
    return PerpPosition(**(zeros | made))


def user(source):
    held = chance.sample(range(MARKETS), HELD)
    perps = [position(index, source.get_oracle_price_data_for_perp_market(index).price) for index in held]
    deposit = SpotPosition(
        scaled_balance=chance.randint(100, 2_000) * QUOTE_PRECISION * 1_000,
        open_bids=0,
        open_asks=0,
        cumulative_deposits=0,
        market_index=0,
        balance_type=SpotBalanceType.Deposit(),
        open_orders=0,
    )
    account = SimpleNamespace(
        perp_positions=perps, spot_positions=[deposit], status=0, margin_mode=MarginMode.Default(), max_margin_ratio=0
    )
    subscriber = SimpleNamespace(get_user_account_and_slot=lambda: SimpleNamespace(data=account))
    return DriftUser(source, None, SimpleNamespace(get_user_client_subscriber=lambda *_: subscriber))


def main():
    source = client()
    users = [user(source) for _ in range(USERS)]
    best, liquidatable = float("inf"), 0
    for _ in range(int(sys.argv[1])):
        start = time.process_time()
        liquidatable = sum(one.can_be_liquidated() for one in users)
        best = min(best, time.process_time() - start)
    print(json.dumps({"users_per_second": USERS / best, "liquidatable": liquidatable, "users": USERS}))


if __name__ == "__main__":
    main()
