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
    jump_scatter: float = 0.3  # standard deviation of a market's own part of a common jump, over the jump
    recovery: float = 0.4  # share of each jump that is given back
    recovery_life: str = "60m"  # half-life of that
    dislocation: float = 0.1  # how much further than the index the perp jumps, in the twentieth market
    dislocation_life: str = "4m"


PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for preset in (
        Preset(
            name="calm",
            start="2025-10-08",
            universe=AUTUMN_2025,
            common=0.0135,
            idiosyncratic=0.012,
            alt_beta=2.2,
            jump_size=0.000692,
            stress_gain=0.407,
            jump_scatter=1.5,
            beta_spread=0.278,
            dislocation=0.0239,
            tail=6.13,
        ),
        Preset(
            name="covid-2020-03-12",
            start="2020-03-12T04:00",
            universe=SPRING_2020,
            common=0.0137,
            idiosyncratic=0.0519,
            alt_beta=1.09,
            jump_size=0.00518,
            stress_gain=7.71,
            jump_scatter=0.399,
            beta_spread=0.101,
            dislocation=2.38,
            tail=4.35,
            crash_size=0.00898,
            crash_jumps=150.0,
            excitation=0.501,
            down_share=0.748,
            recovery=0.0503,
            jumps_per_day=5.68,
            crash_at=0.25,
            crash_length="8h",
            recovery_life="3h",
        ),
        Preset(
            name="may-2021-05-19",
            start="2021-05-19",
            universe=SPRING_2021,
            common=0.128,
            idiosyncratic=0.0592,
            alt_beta=2.35,
            jump_size=0.00282,
            stress_gain=4.37,
            jump_scatter=0.643,
            beta_spread=0.253,
            dislocation=0.6,
            crash_size=0.0095,
            crash_jumps=29.1,
            excitation=0.75,
            down_share=0.97,
            recovery=0.488,
            jumps_per_day=4.59,
            crash_at=0.5,
            crash_length="90m",
        ),
        Preset(
            name="ftx-2022-11-08",
            start="2022-11-08T12:00",
            universe=AUTUMN_2022,
            common=0.075,
            idiosyncratic=0.03,
            alt_beta=2.0,
            jump_size=0.0039,
            stress_gain=12.2,
            jump_scatter=0.9,
            beta_spread=0.207,
            dislocation=0.3,
            tail=11.7,
            crash_size=0.0045,
            crash_jumps=28.3,
            excitation=0.704,
            down_share=0.97,
            recovery=0.134,
            jumps_per_day=6.05,
            crash_at=0.2,
            crash_length="5h",
        ),
        Preset(
            name="october-2025-10-10",
            start="2025-10-10",
            universe=AUTUMN_2025,
            common=0.00984,
            idiosyncratic=0.00566,
            alt_beta=4.09,
            jump_size=0.00633,
            stress_gain=16.6,
            jump_scatter=0.909,
            beta_spread=0.43,
            dislocation=1.71,
            tail=8.36,
            crash_size=0.00639,
            crash_jumps=24.9,
            excitation=0.259,
            down_share=0.931,
            recovery=0.206,
            jumps_per_day=7.06,
            crash_at=0.865,
            crash_length="40m",
            recovery_life="30m",
        ),
    )
}
