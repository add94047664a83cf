#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`./dev bench instructions`: instructions of the hot loops, counted by callgrind, against a bound each.

A count does not depend on what else the machine does, so that it can be a proof, which a time cannot. It says nothing
of memory that has to be waited for: `./dev bench ingest` does. The bounds are about a tenth above what was counted with
clang 19 and -O2; what makes a loop cheaper lowers its bound. Ends with 1 if one is passed.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# Program, benchmark, most instructions a packet.
BOUNDS = [
    ("record_path_bench", "counted/packets_to_fragments/4/iterations:400", 2850),
    ("packet_path_bench", "counted/receive/4/0/iterations:40", 1850),
    ("packet_path_bench", "counted/receive/4/1/iterations:40", 2030),
    ("packet_path_bench", "counted/packetize/iterations:40", 2380),
]


def count(program, name):
    """Instructions a packet of one benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        out, stripped = pathlib.Path(folder) / "callgrind", pathlib.Path(folder) / program.name
        subprocess.run(["strip", "--strip-debug", "-o", str(stripped), str(program)], check=True)  # valgrind fails on clang's
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}", str(stripped),
                   f"--benchmark_filter=^{name}$", "--benchmark_format=json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"instructions: {name} failed:\n{done.stderr[-3000:]}")
        instructions = int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1])
    rows = json.loads(done.stdout[done.stdout.index("{"):])["benchmarks"]
    if not rows:
        sys.exit(f"instructions: {program} has no benchmark {name}")
    return instructions / rows[0]["counted_packets"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="folder of the programs")
    programs = {path.name: path for path in pathlib.Path(parser.parse_args().build).rglob("*_bench") if path.is_file()}
    failed = False
    for program, name, bound in BOUNDS:
        found = count(programs[program], name)
        failed |= found > bound
        print(f"{'ok    ' if found <= bound else 'FAILED'} {name:50} {found:8.0f} instructions a packet, at most {bound}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
