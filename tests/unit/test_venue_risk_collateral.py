"""The risk engine in the venue proposes what collateral may back: signed, inside the rails, charged for wrong way."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from risk_rig import TAKER, Desk, opened
from seawall.risk.publisher import ASSETS_FROM, Proposal, Report, domain, report_hash, sign_all
from seawall.signing import Key, signature_fields, signature_of
from seawall.terms import asset_parameter, command, parameter
from seawall.terms.asset_parameter import WEIGHT_INITIAL
from seawall.units import RATE_ONE, BadInput
from seawall.venue import config
from seawall.venue.names import address_text
from seawall.venue.rest.risk import proposal_of
from seawall.venue.rest.risk_shapes import ProposalRequest
from seawall.venue.rest.risk_weights import weights_view
from seawall.venue.rest.terms import account_by_rule
from seawall.venue.risk.collateral import EVERY_MS
from venue_rig import Rig, key, run

STATIC = RATE_ONE * 95 // 100
CHAIN = 421_614
SIGNERS, STRANGER = (key(101), key(102), key(103)), key(104)


async def list_token(rig: Rig) -> None:
    """The coin of market 0 as a token that counts with 95 %, and some of it with the taker, who is long."""
    fields = {"signer": command.ADMIN, "other": 0}
    values = ((5, 0), (1, STATIC), (0, STATIC), (3, 2**40), (4, 2**40))
    setting = [{"kind": command.SET_ASSET, **fields, "reference": which, "price": value} for which, value in values]
    listing = {"kind": command.LIST_ASSET, **fields, "market": 0, "flags": asset_parameter.TOKEN}
    assert not any(await rig.rows(listing, *setting))
    rig.deposits += 1
    account = rig.service.people.account_of(TAKER.address)
    given = {"kind": command.DEPOSIT_ASSET, "signer": command.BRIDGE, "account": account, "other": 0, "size": 50}
    assert await rig.rows({**given, "reference": rig.deposits}) == [0]


def weights(rig: Rig) -> tuple[int, int]:
    columns = rig.service.columns
    return columns["asset_param"].item(0, WEIGHT_INITIAL), columns["asset_static"].item(0, WEIGHT_INITIAL)


async def looked(rig: Rig) -> Desk:
    """A desk with the listed token, once its office has looked at the first minute."""
    desk = await opened(rig)
    await list_token(rig)
    rig.now += EVERY_MS
    await rig.price(0, 50_000_000)
    await desk.office.look()
    return desk


def test_a_live_engine_lowers_the_weight_of_what_falls_with_what_it_backs(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await looked(rig)
        live, static = weights(rig)
        assert static == STATIC
        assert live < static
        wanted = desk.office.collateral.wanted[0]
        assert wanted.wrong_way > 0.99  # a long of the same coin
        assert [word for _, _, word in desk.office.collateral.last] == ["accepted"]
        assert live == round(wanted.weight * 100) * RATE_ONE // 100
        await rig.price(0, 50_000_000)
        await desk.office.look()
        assert weights(rig)[0] == live  # a minute has not passed

    run(tmp_path, scenario, risk=config.Risk(mode="live"))


def test_in_shadow_nothing_is_sent(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await looked(rig)
        assert weights(rig) == (STATIC, STATIC)
        assert [word for _, _, word in desk.office.collateral.last] == ["shadow"]

    run(tmp_path, scenario)


def test_foresight_counts_what_collateral_backs(tmp_path: Path) -> None:
    """2,500 USD of the coin behind 10,000 USD of cash: less likely, and still the coin's fall that would do it."""

    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        path = f"/accounts/{address_text(TAKER.address)}/foresight"
        without = float((await desk.get(path))["probabilities"]["hours_24"])
        await list_token(rig)
        told = await desk.get(path, target="0.0002")
        assert 0.0 < float(told["probabilities"]["hours_24"]) < without
        assert [one["coin"] for one in told["buckets"][0]["drivers"]] == ["BTC"]
        assert {one["kind"] for one in told["buckets"][0]["cures"]} >= {"top_up", "reduce"}

    run(tmp_path, scenario)


def test_foresight_of_portfolio_margin_is_by_the_grid(tmp_path: Path) -> None:
    """Maintenance of the grid is many times that of the tiers here, and the forecast must know."""

    async def scenario(rig: Rig) -> None:
        desk, columns = await opened(rig), rig.service.columns
        await list_token(rig)
        path, taker = f"/accounts/{address_text(TAKER.address)}/foresight", rig.service.people.account_of(TAKER.address)
        tiered = await desk.get(path)
        columns["param"][-1, parameter.PORTFOLIO_MOST], columns["param"][-1, parameter.PORTFOLIO_EQUITY] = 1, 0
        columns["param"][-1, parameter.GRID_MOVE : parameter.GRID_MOVE + parameter.GRID_SHOCKS] = 0
        columns["param"][:-1, parameter.GRID_OWN] = RATE_ONE // 20
        switch = {"kind": command.SET_PORTFOLIO, "signer": taker, "account": taker, "flags": command.PORTFOLIO}
        assert await rig.rows({**switch, "nonce": rig.now}) == [0]
        told = await desk.get(path, target="0.001")
        assert float(told["probabilities"]["hours_24"]) > 2 * float(tiered["probabilities"]["hours_24"]) > 0
        assert {one["kind"] for one in told["buckets"][0]["cures"]} == {"top_up", "reduce"}
        held = account_by_rule(columns, rig.service.universe, taker)
        figures = rig.service.lens.reader.account(taker)[0]
        assert held.health(held.cross).maintenance == figures.maintenance

    run(tmp_path, scenario)


def sent(rig: Rig, keys: tuple[Key, ...], value: int, serial: int, **changes: Any) -> ProposalRequest:
    """A publisher's proposal of the only asset's initial weight."""
    words = {"state": "", "model": "mine", "data": "", "reasons": ("deeper falls",), "time": rig.now}
    report = {"coin": "BTC", "parameter": "weight_initial", "value": value, "before": STATIC, **words}
    hashed = report_hash(msgspec.convert(report, Report))
    market, expires = ASSETS_FROM + changes.pop("market", 0), changes.pop("expires", rig.now + 60_000)
    number = changes.pop("number", WEIGHT_INITIAL)
    proposal = Proposal(market=market, number=number, amount=value, serial=serial, expires=expires, report=hashed)
    signed = tuple(signature_fields(one) for one in sign_all(domain(CHAIN), proposal, keys))
    asked = {"report": {**report, **changes}, "asset": 0, "hash": "0x" + hashed.hex(), "serial": serial}
    return msgspec.convert({**asked, "expires": expires, "signatures": signed}, ProposalRequest)


def test_publishers_propose_weights_by_the_rails_of_all_proposals(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await opened(rig)
        await list_token(rig)
        office = desk.office

        async def bring(request: ProposalRequest) -> str:
            proposal, report = proposal_of(office, request)
            return (
                await office.publish(proposal, tuple(signature_of(one) for one in request.signatures), report)
            ).outcome

        low, both = STATIC - RATE_ONE // 10, SIGNERS[:2]
        assert "signers" in await bring(sent(rig, SIGNERS[:1], low, 1))
        assert "signers" in await bring(sent(rig, (SIGNERS[0], STRANGER), low, 1))
        assert "rails" in await bring(sent(rig, both, STATIC + 1, 1))
        assert weights(rig)[0] == STATIC
        assert await bring(sent(rig, both, low, 1)) == "accepted"
        assert weights(rig)[0] == low
        assert "newer" in await bring(sent(rig, both, low - 1, 1))
        assert "rails" in await bring(sent(rig, both, low + 1, 2))  # a rise waits for its delay
        with pytest.raises(BadInput, match="expires"):
            await bring(sent(rig, both, low, 2, expires=rig.now - 1))
        with pytest.raises(BadInput, match="hash"):
            await bring(sent(rig, both, low, 2, reasons=("another",)))
        with pytest.raises(BadInput, match="rails"):
            await bring(sent(rig, both, low, 2, parameter="discount"))
        with pytest.raises(BadInput, match="asset"):
            await bring(msgspec.structs.replace(sent(rig, both, low, 2), asset=7))
        other = sent(rig, both, low - 5, 2, market=1)  # signed for another asset: nobody known has signed this
        assert "signers" in await bring(other)
        view = weights_view(office).assets[0]
        assert (view.value, view.static, view.coin) == (low, STATIC, "BTC")

    terms = config.Risk(mode="live", signers=tuple(address_text(one.address) for one in SIGNERS))
    run(tmp_path, scenario, risk=terms)


def test_without_keys_of_its_own_what_it_wants_stays_unsigned(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        desk = await looked(rig)
        assert weights(rig) == (STATIC, STATIC)
        view = weights_view(desk.office).assets[0]
        assert (view.outcome, view.value) == ("unsigned", STATIC)
        assert float(view.wanted or 1) < STATIC / RATE_ONE

    terms = config.Risk(mode="live", signers=tuple(address_text(one.address) for one in SIGNERS))
    run(tmp_path, scenario, risk=terms)
