"""Faults of connections and upstreams, each aimed at a gateway of its own on 127.0.0.1, and the figure that each yields.

It fails if one is missed. `run`, beside this file, builds the gateway first.
"""

import argparse
import pathlib
import resource
import shutil
import sys
import tempfile
import time
import traceback

import broken
import descriptors
import idle
import reloads
import restarts
from stage import Failed, clear

PARTS = {part.__name__: part for part in (reloads, restarts, descriptors, idle, broken)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, prog="tests/faults/connections/run",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("only", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--program", type=pathlib.Path, required=True, help="the gateway")
    parser.add_argument("--rate", type=int, default=1_500, help="requests each second while it is reloaded and replaced")
    parser.add_argument("--reloads", type=int, default=100, help="of one minute")
    parser.add_argument("--requests", type=int, default=100_000, help="while it is replaced")
    parser.add_argument("--restarts", type=int, default=6, help="meanwhile")
    parser.add_argument("--idle", type=int, default=100_000, help="connections, or as many as may be")
    parser.add_argument("--rest", type=float, default=5, help="seconds that they lie before memory is measured")
    parser.add_argument("--memory", type=int, default=0, help="MiB that the gateway may take with them; 0: 24 KiB for each, and 96 MiB")
    parser.add_argument("--rounds", type=int, default=50, help="of each broken answer, by each of eight clients")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the gateways' logs")
    options = parser.parse_args()
    if unknown := [name for name in options.only if name not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}")
    options.program = options.program.absolute()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 1_048_576),) * 2)
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder, missed = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-faults-")), 0
    for name in options.only or PARTS:
        begun = time.monotonic()
        print(f"\n{name}: {PARTS[name].__doc__.splitlines()[0]}\n\n| | | |\n| --- | --- | --- |", flush=True)
        try:
            for what, figure, holds in PARTS[name].run(options, folder / name):
                missed += not holds
                print(f"| {what} | {figure} | {'' if holds else '**missed**'} |", flush=True)
        except Exception as error:  # Whatever it is, the other parts go on.
            missed += 1
            if not isinstance(error, Failed):
                traceback.print_exc()
            print(f"| the run itself | {type(error).__name__}: {error} | **missed** |", flush=True)
        finally:
            clear()
        print(f"\n{time.monotonic() - begun:.0f} s", flush=True)
    if missed or options.keep:
        print(f"\nThe logs stand in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{missed} missed")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
