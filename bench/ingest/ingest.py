#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`./dev bench ingest`: cameras into one core, beside the raw pipeline.

The server runs with one shard and all its threads on processor 0, the cameras on processor 1; rounds of the raw
pipeline (receive on a tick, open SRTP, copy, log, fdatasync; the same packets) come in between. After each round the
server has ended and another program compares its volumes with what was sent, frame by frame. Samples of the server's
stacks (perf, cpu-clock) say where the time goes. Prints a line of JSON for every round and leaves
bench/results/ingest.json and ingest.md.

  --cameras 500,2000 --profiles aes-gcm,aes-cm --rounds 5 --seconds 60    (the usual)
  --render-sound                    AAC of every fragment rendered as it is recorded
  --search                          the most cameras of a ladder with no frame missing in 3 of 5 rounds
  --cameras 300 --seconds 10 --rounds 1 --profiles aes-gcm                 to compare two builds, in a minute
"""
import argparse
import json
import pathlib
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import machine  # noqa: E402
import media  # noqa: E402
import raw_round  # noqa: E402
import result  # noqa: E402
import server_round  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LADDER = [100, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 3000]


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.media, self.number = options, folder, media.make(folder), 0

    def round(self, pipeline, cameras, profile):
        """None when the round itself could not be held (cameras that did not connect): said, and not counted."""
        self.number += 1
        need = cameras * (self.options.seconds + 60) * 90_000 + 2**30
        if shutil.disk_usage(self.folder).free < need:
            sys.exit(f"ingest: {need / 1e9:.0f} GB of free disk space are needed for {cameras} cameras")
        try:
            row = pipeline.measure(self.options, self.folder / str(self.number), self.media, cameras, profile)
        except RuntimeError as error:
            print(json.dumps({"cameras": cameras, "srtp_profile": profile, "error": str(error)[-1500:]}), flush=True)
            shutil.rmtree(self.folder / str(self.number), ignore_errors=True)
            return None
        print(json.dumps(row), flush=True)
        return row

    def rows(self, cameras, profile):
        servers, raws = [], []
        for _ in range(self.options.rounds):
            raw = None if self.options.no_raw else self.round(raw_round, cameras, profile)
            server = self.round(server_round, cameras, profile)
            if server:
                servers.append(server)
                if raw:
                    raws.append(raw)
        return result.combine(servers, raws if len(raws) == len(servers) else []) if servers else None

    def holds(self, cameras, profile):
        """No frame missing in 3 of 5 rounds; ends as soon as that is settled."""
        good = bad = 0
        while good < 3 and bad < 3:
            row = self.round(server_round, cameras, profile)
            if row and result.is_complete(row):
                good += 1
            else:
                bad += 1
        return good == 3

    def search(self, profile):
        """Binary, on the ladder: 0 when not even its first step holds."""
        low, high = -1, len(LADDER)
        while high - low > 1:
            middle = (low + high) // 2
            if self.holds(LADDER[middle], profile):
                low = middle
            else:
                high = middle
        return LADDER[low] if low >= 0 else 0


def numbers(text):
    return [int(each) for each in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--build", required=True, help="folder of the programs")
    parser.add_argument("--cameras", type=numbers, default=[500, 2000], help="numbers with commas")
    parser.add_argument("--profiles", type=lambda text: text.split(","), default=["aes-gcm", "aes-cm"])
    parser.add_argument("--seconds", type=int, default=60, help="measured in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--search", action="store_true", help="find cameras_per_core")
    parser.add_argument("--no-raw", action="store_true", help="no rounds of the raw pipeline, so no ratio to it")
    parser.add_argument("--no-perf", action="store_true", help="no samples of stacks: they cost a little themselves")
    parser.add_argument("--server-option", action="append", default=[], help="passed to `tidegate serve`: --server-option=--name=value")
    parser.add_argument("--camera-option", action="append", default=[], help="passed to `tidegate camera`")
    parser.add_argument("--gro", action="store_true", help="with UDP GRO, as the server has it by default; the headline rows are without")
    parser.add_argument("--render-sound", action="store_true", help="the server renders AAC as it records")
    options = parser.parse_args()
    if not options.gro:
        options.server_option.append("--udp-gro=false")
    if options.render_sound:
        options.server_option.append("--render-sound-on-write=true")
    build = pathlib.Path(options.build)
    options.tidegate, options.check = str(build / "tidegate"), str(build / "ingest_check")
    options.raw_receive, options.raw_send = str(build / "ingest_raw_receive"), str(build / "ingest_raw_send")
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was written goes then too
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-ingest-"))
    try:
        bench = Bench(options, folder)
        rows = [row for profile in options.profiles for cameras in options.cameras if (row := bench.rows(cameras, profile))]
        found = {profile: bench.search(profile) for profile in options.profiles} if options.search else {}
        for row in rows:
            row["cameras_per_core"] = found.get(row["srtp_profile"])
        whole = {"machine": machine.describe(ROOT), "seconds": options.seconds, "rounds": options.rounds, "rows": rows,
                 "cameras_per_core": found, "growth": result.growth(rows)}
        results = ROOT / "bench/results"
        results.mkdir(exist_ok=True)
        (results / "ingest.json").write_text(json.dumps(whole, indent=1) + "\n")
        (results / "ingest.md").write_text(result.markdown(whole))
        print(result.markdown(whole))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
