"""`seawall risk publish`: a risk engine of its own process or machine, that speaks to a venue over HTTP.

It reads what everybody may read (markets, parameters, candles), decides as the engine inside the venue does with what
can be seen from outside (range and distance from the index, the best levels of the book; forced volume and what stands
beside collateral can not), signs with its keys, and
brings its proposals to `POST /v1/risk/proposals`.
"""

import json
import math
import urllib.error
import urllib.request
from typing import Any, Final

import msgspec
import numpy as np

from seawall.risk.bars import HOUR_MS, Bar
from seawall.risk.collateral import initial_weight, reasons_of, step_to
from seawall.risk.engine import Rails, RiskModel
from seawall.risk.liquidity import Liquidity
from seawall.risk.measures import Market, next_value, wanted
from seawall.risk.moves import Bars, prior_sigma, volatility
from seawall.risk.publisher import ASSETS_FROM, LIFE_MS, Proposal, Report, domain, report_hash, sign_all
from seawall.risk.stress import NAMES, Signs, Stress
from seawall.signing import Key, signature_fields
from seawall.terms import parameter
from seawall.terms.asset_parameter import ASSET, WEIGHT_INITIAL
from seawall.terms.parameter import MARKET
from seawall.units import RATE_ONE, BadInput, Rate, Side, UsdMicro, fraction_from, rate, usd

SECONDS: Final = 10.0  # for an answer
BYTES_MAX: Final = 32 * 1024 * 1024
MINUTE_MS: Final = 60_000
RANGE_MINUTES: Final = 15
RANGE_OF_VOLATILITY: Final = 0.8  # range of a quarter of an hour over the volatility of an hour
HOURS: Final = 1_000  # of candles that are read at first
DEPTH_OF_VOLUME: Final = 0.3  # of an hour's volume stands in the book, about
MOVED: Final = (
    parameter.BREAKER,
    parameter.INITIAL_LIVE,
    parameter.ISOLATED_LEVERAGE_CAP,
    parameter.OPEN_INTEREST_CAP,
)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that was brought, and the venue's answer."""

    coin: str
    parameter: str
    before: int
    value: int
    serial: int
    outcome: str
    reasons: tuple[str, ...]


class Publisher:
    """One venue. `look` as often as wanted; what it has learned stays."""

    def __init__(self, url: str, keys: tuple[Key, ...], model: RiskModel, *, chain_id: int) -> None:
        """BadInput without keys."""
        if not keys:
            raise BadInput("keystore", "at least one key signs")
        self.url = url.rstrip("/")
        self.keys, self.model, self.domain = keys, model, domain(chain_id)
        self.stress: dict[str, Stress] = {}
        self.read_to: dict[str, int] = {}  # end of the last candle that the model was told
        self.hours: dict[str, list[tuple[float, float, float, float]]] = {}

    def look(self) -> list[Outcome]:
        """One look at every running market: what was proposed and what became of it. BadInput when nobody answers."""
        told, found = self._ask("/v1/risk"), []
        serial = int(told["serial"])
        for market in self._ask("/v1/markets")["markets"]:
            if market["status"] not in ("active", "reduce_only") or market["mark"] is None:
                continue
            for number, value, before, reasons in self._plan(market, int(told["time"])):
                serial += 1
                done = self._bring(market, number, value, before, reasons, serial, int(told["time"]))
                found.append(done)
        for asset in self._ask("/v1/risk/collateral")["assets"]:
            value, reasons = self._weight(asset)
            if value < int(asset["value"]):
                serial += 1
                found.append(self._bring_weight(asset, value, reasons, serial, int(told["time"])))
        return found

    def _weight(self, asset: dict[str, Any]) -> tuple[int, tuple[str, ...]]:
        """What a collateral asset may back by its moves and the depth of its book; what is held beside it is unseen.

        So it only lowers a weight: who sees the holders raises it again.
        """
        coin, live = asset["coin"], int(asset["value"])
        market = next((one for one in self._ask("/v1/markets")["markets"] if one["coin"] == coin), None)
        if market is None or coin not in self.read_to:
            return live, ()
        levels = self._ask("/info", {"type": "l2Book", "coin": coin})["levels"]
        depth = min(sum(float(one["px"]) * float(one["sz"]) for one in side) for side in levels)
        seen = Liquidity(volume_usd_hour=depth / DEPTH_OF_VOLUME, depth_usd=depth, volatility=self._sigma(market))
        held = next(one for one in self._ask("/v1/assets")["assets"] if one["asset"] == asset["asset"])
        usd_held = float(held["held"]) * (1.0 if asset["kind"] == "pool" else float(held["index"]))
        found = initial_weight(static=int(asset["static"]) / RATE_ONE, held_usd=usd_held, market=seen, together=0.0)
        return max(step_to(found, live, up=0), live - int(asset["step_down"])), reasons_of(found)[:2]

    def _bring_weight(
        self, asset: dict[str, Any], value: int, reasons: tuple[str, ...], serial: int, now: int
    ) -> Outcome:
        report = Report(
            coin=asset["coin"],
            parameter=ASSET[WEIGHT_INITIAL].name,
            value=value,
            before=int(asset["value"]),
            state="",
            model=self.model.model_id,
            data="",
            reasons=reasons,
            time=now,
        )
        return self._send(report, ASSETS_FROM + int(asset["asset"]), WEIGHT_INITIAL, serial, {"asset": asset["asset"]})

    def _plan(self, market: dict[str, Any], now: int) -> list[tuple[int, int, int, tuple[str, ...]]]:
        coin = market["coin"]
        minutes = self._learn(coin, now)
        terms = {one["name"]: one for one in self._ask(f"/v1/markets/{coin}/parameters")["parameters"]}
        stress = self.stress.setdefault(coin, Stress())
        live = int(terms["breaker"]["value"])
        if live != stress.state:
            stress.follow(live, now)
        stress.see(self._signs(market, minutes), now)
        static = {number: int(terms[one.name]["static"]) for number, one in MARKET.items() if one.rail is not None}
        first = rate(fraction_from(market["tiers"][0]["maintenance"], "maintenance"), Side.UP, "maintenance")
        least = Rate(max(static[parameter.INITIAL_LIVE], -(-RATE_ONE // int(market["tiers"][0]["max_leverage"]))))
        margins = None
        if coin in self.model.markets:
            margins = self.model.propose(coin, Rails(static_new_risk=least, static_maintenance=first), now)
        lots = fraction_from(market["open_interest"], "open_interest") * 10 ** int(market["size_decimals"])
        seen = Market(
            state=stress.state,
            open_interest=int(lots),
            open_notional=usd(market["open_interest_usd"], "open_interest_usd"),
            depth=UsdMicro(0),
            new_risk=Rate(0) if margins is None else margins.new_risk_rate,
            maintenance=Rate(0) if margins is None else margins.maintenance_rate,
            static_maintenance=first,
        )
        reasons = (*stress.reasons, *(margins.reasons if margins else ())) or (
            f"the model, and a {NAMES[stress.state]} market",
        )
        found = []
        for number, target in wanted(seen, static).items():
            one = terms[MARKET[number].name]
            age = now - int(one["changed"] or 0)
            before = int(one["value"])
            value = next_value(number, target=target, live=before, static=static[number], age_ms=age)
            if number in MOVED and value is not None:
                found.append((number, value, before, reasons))
        return found

    def _learn(self, coin: str, now: int) -> list[dict[str, Any]]:
        """Tells the model the candles since the last look; the last minutes."""
        if coin not in self.read_to:
            for one in self._candles(coin, "1h", now - HOURS * HOUR_MS, now - HOUR_MS):
                self._take(coin, one, HOUR_MS)
        minutes = self._candles(coin, "1m", max(self.read_to.get(coin, 0), now - HOUR_MS), now)
        for one in minutes[:-1]:
            self._take(coin, one, MINUTE_MS)
        return self._candles(coin, "1m", now - RANGE_MINUTES * MINUTE_MS, now)

    def _take(self, coin: str, candle: dict[str, Any], span: int) -> None:
        start = int(candle["t"])
        if start < self.read_to.get(coin, 0):
            return
        opened, high, low, close = (float(candle[name]) for name in "ohlc")
        self.model.observe(coin, Bar(start, opened, high, low, close, float(candle["v"]) * close, span))
        self.read_to[coin] = start + span
        if span == HOUR_MS:
            self.hours.setdefault(coin, []).append((opened, high, low, close))

    def _candles(self, coin: str, interval: str, start: int, end: int) -> list[dict[str, Any]]:
        asked = {"coin": coin, "interval": interval, "startTime": max(0, start), "endTime": end}
        found = self._ask("/info", {"type": "candleSnapshot", "req": asked})
        if not isinstance(found, list):
            raise BadInput("url", "candles are no list", self.url)
        return found

    def _sigma(self, market: dict[str, Any]) -> float:
        """Volatility of an hour of a market, from its hourly candles."""
        rows = np.array(self.hours.get(market["coin"], []), np.float64).reshape(-1, 4)
        bars = Bars(names=(market["coin"],), open=rows[:, :1], high=rows[:, 1:2], low=rows[:, 2:3], close=rows[:, 3:4])
        prior = np.array([prior_sigma(int(market["tiers"][0]["max_leverage"]))])
        return float(volatility(bars, prior)[-1, 0])

    def _signs(self, market: dict[str, Any], minutes: list[dict[str, Any]]) -> Signs:
        usual = RANGE_OF_VOLATILITY * self._sigma(market)
        gap = math.nan
        if market["index"] is not None:
            gap = abs(float(market["mark"]) / float(market["index"]) - 1.0)
        if not minutes:
            return Signs(gap=gap)
        high, low = max(float(one["h"]) for one in minutes), min(float(one["l"]) for one in minutes)
        return Signs(range=math.log(high / low) / usual, gap=gap)

    def _bring(
        self,
        market: dict[str, Any],
        number: int,
        value: int,
        before: int,
        reasons: tuple[str, ...],
        serial: int,
        now: int,
    ) -> Outcome:
        coin, name = market["coin"], MARKET[number].name
        data = self.model.propose(coin, now_ms=now).data_hash if coin in self.model.markets else ""
        report = Report(
            coin=coin,
            parameter=name,
            value=value,
            before=before,
            state=NAMES[self.stress[coin].state],
            model=self.model.model_id,
            data=data,
            reasons=reasons,
            time=now,
        )
        return self._send(report, int(market["market"]), number, serial, {})

    def _send(self, report: Report, market: int, number: int, serial: int, more: dict[str, Any]) -> Outcome:
        proposal = Proposal(
            market=market,
            number=number,
            amount=report.value,
            serial=serial,
            expires=report.time + LIFE_MS,
            report=report_hash(report),
        )
        body = {
            **more,
            "report": msgspec.to_builtins(report),
            "hash": "0x" + proposal.report.hex(),
            "serial": serial,
            "expires": proposal.expires,
            "signatures": [signature_fields(one) for one in sign_all(self.domain, proposal, self.keys)],
        }
        answer = self._ask("/v1/risk/proposals", body, may_refuse=True)
        outcome = str(answer.get("outcome") or answer.get("msg") or "no answer")
        return Outcome(
            coin=report.coin,
            parameter=report.parameter,
            before=report.before,
            value=report.value,
            serial=serial,
            outcome=outcome,
            reasons=report.reasons,
        )

    def _ask(self, path: str, body: Any = None, *, may_refuse: bool = False) -> Any:
        return asked(self.url, path, body, may_refuse=may_refuse)


def asked(url: str, path: str, body: Any = None, *, may_refuse: bool = False) -> Any:
    """JSON of GET, or of POST with a body. BadInput when there is no answer, or a refusal unless it may be one."""
    if not url.startswith(("http://", "https://")):
        raise BadInput("url", f"expected http:// or https://, got {url!r}")
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(url.rstrip("/") + path, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(call, timeout=SECONDS) as answer:
            return json.loads(answer.read(BYTES_MAX))
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(10_000)
        if may_refuse:
            try:
                return json.loads(text)
            except ValueError:
                return {"msg": text.decode(errors="replace").strip() or f"HTTP {error.code}"}
        raise BadInput("url", f"{path} was answered with HTTP {error.code}", url) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise BadInput("url", f"no answer to {path}: {why}", url) from error
