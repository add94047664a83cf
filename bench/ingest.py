#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many cameras into one core: CPU per packet by step, frames missing.

The server runs with one shard, all its threads on processor 0; the cameras run on processor 1. Samples of the server's
stacks (perf, cpu-clock) say where the time goes; without perf the split is left out. Every fragment is counted through
ListFragments, the frames of some streams through GetMedia and ffprobe, an independent reader.

ingest.py --tidegate PROGRAM [--cameras 100] [--seconds 30]   ends with one line of JSON
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import demo  # noqa: E402

# The first row that matches any symbol of a sample's stack, innermost first, names its step.
STEPS = [
    ("UDP receive", ("recvmmsg",)),
    ("UDP send", ("sendmmsg", "sendmsg")),
    ("disk write and sync", ("fdatasync", "pwrite", "writev", "fsync", "ftruncate", "fallocate")),
    ("index", ("sqlite3",)),
    ("SRTP", ("webrtc::srtp", "EVP_", "CRYPTO_gcm128", "aesni", "gcm_ghash", "aes_gcm")),
    ("DTLS", ("SSL_", "dtls")),
    ("ICE", ("webrtc::ice",)),
    ("RTP", ("rtp::",)),
    ("recorder and Matroska", ("streams::Recorder", "streams::Fragment", "container::", "streams::")),
    ("store", ("store::",)),
    ("HTTP and signaling", ("net::Http", "net::WebSocket", "api::", "aws::")),
    ("peer and port", ("webrtc::", "sessions::", "net::UdpPort")),
    ("event loop", ("epoll", "boost::asio", "async::")),
]


def processor_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def metrics(url):
    text = urllib.request.urlopen(url + "/metrics").read().decode()
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in rows}


def steps_of(perf_file):
    """Share of samples per step."""
    script = subprocess.run(["perf", "script", "-i", perf_file, "-F", "ip,sym"], capture_output=True, text=True, check=True)
    counts = collections.Counter()
    for stack in script.stdout.split("\n\n"):
        symbols = [line.split(" ", 1)[-1] for line in map(str.strip, stack.splitlines()) if line]
        if not symbols:
            continue
        counts[next((name for name, words in STEPS if any(word in symbol for symbol in symbols for word in words)), "other")] += 1
    total = sum(counts.values()) or 1
    return {name: count / total for name, count in counts.most_common()}


def count_frames(api, stream, folder):
    """Pictures of a whole recording, counted by ffprobe from what GetMedia hands out."""
    path = folder / "stream.mkv"
    with open(path, "wb") as out:
        try:
            with api.open("/getMedia", timeout=3, StreamName=stream, StartSelector={"StartSelectorType": "EARLIEST"}) as body:
                while chunk := body.read1(65536):  # read() would lose a last piece at the timeout
                    out.write(chunk)
        except (TimeoutError, OSError):
            pass  # the live end: nothing more has come
    probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries",
                            "stream=nb_read_packets", "-of", "csv=p=0", str(path)], capture_output=True, text=True)
    path.unlink()
    return int(probe.stdout.strip().split("\n")[0] or 0)


def measure(options, folder):
    http, https, media = (demo.free_port(0) for _ in range(3))
    url = f"http://127.0.0.1:{http}"
    log = open(folder / "server.log", "w")
    server = subprocess.Popen(
        ["taskset", "-c", "0", options.tidegate, "serve", "--data-dir", str(folder / "data"), "--shards", "1",
         "--http-listen", f"127.0.0.1:{http}", "--https-listen", f"127.0.0.1:{https}", "--media-listen", f"127.0.0.1:{media}", "--media-tcp-listen", "off",
         "--access-key", "BENCHKEY", "--secret-key", "benchsecret", "--region", demo.REGION], stdout=log, stderr=log)
    try:
        while not demo.is_healthy(url):
            if server.poll() is not None:
                raise RuntimeError(f"the server ended: {(folder / 'server.log').read_text()}")
            time.sleep(0.05)
        camera = subprocess.Popen(
            ["taskset", "-c", "1", options.tidegate, "camera", "--endpoint", url, "--region", demo.REGION, "--access-key",
             "BENCHKEY", "--secret-key", "benchsecret", "--ca", str(folder / "data/tls/ca.pem"), "--channel", "bench", "--create",
             "--count", str(options.cameras), "--bitrate-kbps", "560", "--duration", str(options.seconds + 20), "--json", "--quiet"],
            stdout=subprocess.PIPE, text=True)
        while metrics(url)["tidegate_sessions_connected_total"] < options.cameras:
            if camera.poll() is not None:
                raise RuntimeError("the cameras ended before all of them were connected")
            time.sleep(0.2)
        time.sleep(5)  # past the first fragments
        has_perf = shutil.which("perf") is not None
        perf_file = str(folder / "perf.data")
        before, cpu_before, began = metrics(url), processor_seconds(server), time.monotonic()
        if has_perf:
            subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "499", "-g", "-p", str(server.pid), "-o", perf_file,
                            "--", "sleep", str(options.seconds)], check=True, stderr=subprocess.DEVNULL)
        else:
            time.sleep(options.seconds)
        after, cpu, elapsed = metrics(url), processor_seconds(server) - cpu_before, time.monotonic() - began
        report = json.loads(camera.communicate(timeout=120)[0].strip().splitlines()[-1])
        cameras = report if isinstance(report, list) else report.get("cameras", [report])
        packets = after["tidegate_udp_received_packets_total"] - before["tidegate_udp_received_packets_total"]
        api = demo.Api(url, "BENCHKEY", "benchsecret")
        sample = cameras[:: max(1, len(cameras) // options.sample)][: options.sample]
        missing = sum(row["video_frames"] - count_frames(api, row["channel"], folder) for row in sample)
        microseconds = cpu / packets * 1e6
        return {
            "cameras": options.cameras, "seconds": round(elapsed, 1), "packets_per_second": round(packets / elapsed),
            "cpu_of_one_core_percent": round(100 * cpu / elapsed, 1), "us_cpu_per_packet": round(microseconds, 2),
            "us_cpu_per_camera_second": round(cpu / elapsed / options.cameras * 1e6),
            "us_per_packet_by_step": {k: round(v * microseconds, 2) for k, v in steps_of(perf_file).items()} if has_perf else None,
            "kernel_drops": after["tidegate_udp_receive_overflows_total"], "cameras_failed": sum(bool(r["error"]) for r in cameras),
            "frames_sent_by_sampled_cameras": sum(r["video_frames"] for r in sample), "frames_missing": missing,
        }
    finally:
        server.terminate()
        server.wait(30)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tidegate", required=True)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--sample", type=int, default=5, help="streams whose every frame is counted")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was written goes then too
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-ingest-"))
    if shutil.disk_usage(folder).free < options.cameras * (options.seconds + 30) * 100_000 + 2**30:
        sys.exit("ingest: not enough free disk space for the recordings")
    try:
        print(json.dumps(measure(options, folder)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
