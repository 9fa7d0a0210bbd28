"""Streams of what an account is: the newest message replaces earlier ones, and comes again every few seconds."""

from typing import TYPE_CHECKING, Any, Final

from seawall.venue.ws.topics import StateTopic
from seawall.venue.ws.wishes import Wish

if TYPE_CHECKING:
    from seawall.venue.ws.hub import Hub

ASKED: Final = {  # the type of POST /info that answers it
    "clearinghouseState": "clearinghouseState",
    "allDexsClearinghouseState": "clearinghouseState",
    "openOrders": "frontendOpenOrders",
    "spotState": "spotClearinghouseState",
    "activeAssetData": "activeAssetData",
    "webData2": "webData2",
    "webData3": "webData2",
    "twapStates": "webData2",
}
USER_STATE: Final = ("agentAddress", "agentValidUntil", "cumLedger", "serverTime", "isVault", "user")


class AccountTopic(StateTopic):
    """One state of one user: somebody without an account has the empty one."""

    lane_name = "account"
    is_repeated = True

    def __init__(self, hub: "Hub", wish: Wish, gap: float) -> None:
        super().__init__(hub, wish, gap)
        self.address = wish.address
        self.made_at = 0.0  # on the loop's clock

    async def publish(self) -> None:
        await super().publish()
        self.made_at = self.hub.time()

    async def read(self) -> Any:
        user, dex, kind = self.wish.text("user"), self.wish.text("dex"), self.wish.kind
        asked = {"type": ASKED[kind], "user": user}
        if "dex" in self.wish.echo:
            asked["dex"] = dex
        if "coin" in self.wish.echo:
            asked["coin"] = self.wish.text("coin")
        found = await self.hub.ask(asked)
        match kind:
            case "clearinghouseState":
                return {"dex": dex, "user": user, "clearinghouseState": found}
            case "allDexsClearinghouseState":
                return {"user": user, "clearinghouseStates": [["", found]]}
            case "openOrders":
                return {"dex": dex, "user": user, "orders": found}
            case "spotState":
                return {"user": user, "spotState": found}
            case "twapStates":
                return {"dex": dex, "user": user, "states": found["twapStates"]}
            case "webData3":
                return _web_data_3(found)
        return found


def _web_data_3(found: dict[str, Any]) -> dict[str, Any]:
    """webData3 has of webData2 what is of the user, and of each dex."""
    return {
        "userState": {name: found[name] for name in USER_STATE},
        "perpDexStates": [
            {
                "totalVaultEquity": found["totalVaultEquity"],
                "perpsAtOpenInterestCap": found.get("perpsAtOpenInterestCap", []),
                "leadingVaults": found["leadingVaults"],
            }
        ],
    }
