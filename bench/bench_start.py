"""How long a person waits: `import seawall`, and a whole `seawall account liq` on an account file."""

import subprocess
import sys
from pathlib import Path

import harness

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = ROOT / "examples" / "accounts" / "cross_hedged.json"
ROUNDS = 11


def run(*arguments: str) -> None:
    """A process from start to end; its failure ends the bench."""
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    command = Path(sys.executable).parent / "seawall"
    run(str(command), "account", "liq", str(ACCOUNT))
    bare, imported, account = harness.best_of(
        ROUNDS,
        lambda: run(sys.executable, "-c", "pass"),
        lambda: run(sys.executable, "-c", "import seawall"),
        lambda: run(str(command), "account", "liq", str(ACCOUNT)),
    )
    harness.write(
        "start",
        [
            harness.Figure("import seawall, s beyond a bare interpreter", imported - bare, 0.25, "lower"),
            harness.Figure("seawall account liq, whole process, s", account, 0.6, "lower"),
            harness.Figure("bare interpreter, s", bare, None, "lower"),
        ],
    )


if __name__ == "__main__":
    main()
