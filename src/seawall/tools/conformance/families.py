"""The families this package runs: one checker each, from one module a venue."""

from collections.abc import Mapping
from typing import Final

from seawall.tools.conformance import cex, drift, dydx, hyperliquid, mango, signatures, uniswap_v3
from seawall.tools.conformance.runner import Check, GroupCheck

CHECKS: Final[Mapping[str, Check]] = {
    **cex.FAMILIES,
    **drift.FAMILIES,
    **dydx.FAMILIES,
    **hyperliquid.FAMILIES,
    **mango.FAMILIES,
    **signatures.FAMILIES,
    **uniswap_v3.FAMILIES,
}
GROUPS: Final[Mapping[str, GroupCheck]] = {**hyperliquid.GROUPS}
