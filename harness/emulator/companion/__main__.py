"""`python -m harness.emulator.companion`: the companion under a supervisor."""

from harness.emulator.child import run_child
from harness.emulator.companion.process import main

if __name__ == "__main__":
    run_child(main)
