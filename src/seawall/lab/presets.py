"""Parameters of the generator, one record per event; docs/lab/generator.md shows what they were fitted to."""

from dataclasses import dataclass
from typing import Final

from seawall.lab.universe import AUTUMN_2022, AUTUMN_2025, SPRING_2020, SPRING_2021, Listed


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Volatilities are per square root of a day, jumps are in log price, lengths are intervals such as 45m."""

    name: str
    start: str
    universe: tuple[Listed, ...]
    common: float  # volatility of the common factor
    idiosyncratic: float  # volatility of each market alone
    tail: float = 4.0  # degrees of freedom of both
    alt_beta: float  # loading of small markets on the common factor
    beta_spread: float = 0.15
    jumps_per_day: float = 6.0  # outside the crash
    jump_size: float = 0.004
    excitation: float = 0.6  # jumps that one jump brings on average, < 1
    memory: str = "10m"  # over which it does
    stress_gain: float = 6.0  # added variance per jump a minute
    crash_at: float = 0.5  # share of the run at which the crash begins
    crash_length: str = "60m"
    crash_jumps: float = 0.0  # expected number, the excited ones included
    crash_size: float = 0.0  # mean size of one
    down_share: float = 0.88  # of the crash's jumps
    recovery: float = 0.4  # share of each jump that is given back
    recovery_life: str = "60m"  # half-life of that
    dislocation: float = 0.1  # how much further than the index the perp jumps, in the twentieth market
    dislocation_life: str = "4m"


PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for preset in (
        Preset(name="calm", start="2025-09-24", universe=AUTUMN_2025, common=0.018, idiosyncratic=0.018, alt_beta=1.4),
        Preset(
            name="covid-2020-03-12",
            start="2020-03-12T04:00",
            universe=SPRING_2020,
            common=0.06,
            idiosyncratic=0.04,
            alt_beta=1.05,
            crash_at=0.25,
            crash_length="8h",
            crash_jumps=60.0,
            crash_size=0.025,
            recovery=0.3,
            recovery_life="3h",
        ),
        Preset(
            name="may-2021-05-19",
            start="2021-05-19",
            universe=SPRING_2021,
            common=0.06,
            idiosyncratic=0.05,
            alt_beta=1.4,
            crash_at=0.5,
            crash_length="90m",
            crash_jumps=50.0,
            crash_size=0.012,
            recovery=0.5,
        ),
        Preset(
            name="ftx-2022-11-08",
            start="2022-11-08T12:00",
            universe=AUTUMN_2022,
            common=0.05,
            idiosyncratic=0.05,
            alt_beta=1.2,
            crash_at=0.2,
            crash_length="5h",
            crash_jumps=40.0,
            crash_size=0.006,
            recovery=0.3,
        ),
        Preset(
            name="october-2025-10-10",
            start="2025-10-10",
            universe=AUTUMN_2025,
            common=0.02,
            idiosyncratic=0.02,
            alt_beta=2.0,
            beta_spread=0.3,
            crash_at=0.865,
            crash_length="40m",
            crash_jumps=40.0,
            crash_size=0.006,
            recovery=0.5,
            recovery_life="30m",
            dislocation=0.3,
        ),
    )
}
