#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`./dev bench joins`: joins a second that a server on one core carries: join, offer, answer, ICE, DTLS, with signaling
sockets open and HTTP connections used again. The server on processor 0, the masters on processor 1; rounds, medians,
and samples of the server's stacks. Leaves bench/results/joins.json.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench/ingest"))
import machine  # noqa: E402
import server_round  # noqa: E402
import steps  # noqa: E402

BAR = 500


def measure(options, folder):
    folder.mkdir()
    with server_round.Server(f"{options.build}/tidegate", folder, options.server_option) as server:
        arguments = [word for word in server.camera_arguments() if word not in ("--create", "--json", "--quiet", "--channel", "bench")]
        pid = server.process.pid
        before, cpu = machine.processors(), machine.processor_seconds(pid)
        with steps.Recording(pid, folder / "perf.data") as recording:
            done = subprocess.run(["taskset", "-c", "1", f"{options.build}/joins", *arguments, "--masters", str(options.masters),
                                   "--seconds", str(options.seconds)], capture_output=True, text=True)
        after, cpu = machine.processors(), machine.processor_seconds(pid) - cpu
        if done.returncode != 0:
            sys.exit(f"bench joins: {done.stderr}")
        row = json.loads(done.stdout)
        metrics = server_round.metrics(server.url)
        joins = metrics["tidegate_sessions_connected_total"]
        row |= {"server_ms_per_join": round(1000 * cpu / joins, 3), "server_core": machine.shares(before, after, 0),
                "masters_core": machine.shares(before, after, 1),
                "server_share_by_step": {name: round(share, 3) for name, share in recording.shares().items()}}
    shutil.rmtree(folder)
    return row


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--masters", type=int, default=100, help="that join at the same time")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server-option", action="append", default=[])
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-joins-"))
    try:
        rows = []
        for number in range(options.rounds):
            rows.append(measure(options, folder / str(number)))
            print(json.dumps(rows[-1]), flush=True)
        rate = round(statistics.median(row["joins_per_second"] for row in rows), 1)
        whole = {"machine": machine.describe(ROOT), "joins_per_second": rate, "bar": BAR, "rounds": rows}
        results = ROOT / "bench/results"
        results.mkdir(exist_ok=True)
        (results / "joins.json").write_text(json.dumps(whole, indent=1) + "\n")
        print(f"{rate} joins a second (bar {BAR})")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
