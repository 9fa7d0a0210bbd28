"""A strategy for live mode, loaded by freqtrade itself: it buys at once, with a stop-loss on the exchange."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame


class BuyAtOnce(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    stoploss = -0.06
    startup_candle_count = 0
    process_only_new_candles = False
    use_exit_signal = False
    can_short = False
    order_types = {  # noqa: RUF012 (as freqtrade wants it)
        "entry": "market",
        "exit": "market",
        "emergency_exit": "market",
        "force_exit": "market",
        "stoploss": "limit",
        "stoploss_on_exchange": True,
        "stoploss_on_exchange_interval": 5,
    }

    def leverage(self, *_: object, **__: object) -> float:
        return 3.0

    def populate_indicators(self, dataframe: DataFrame, _: dict) -> DataFrame:
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, _: dict) -> DataFrame:
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, _: dict) -> DataFrame:
        return dataframe
