#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Playback beside its limits, in one run: bytes per core-second of warm segments over TLS against nginx serving the same
bytes from files with the same cipher; the first read of sound that must be rendered against decoding and encoding it;
GetImages and GetClip.

Server and nginx have one worker each on processor 0 and take turns; the load (wrk, 20 kept connections) is on processor 1.

playback.py --tidegate PROGRAM --steps PROGRAM [--rounds 5] [--seconds 3]      ends with one line of JSON
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import demo  # noqa: E402

CONNECTIONS = 20
CIPHER = "TLS_AES_256_GCM_SHA384"


def processor_seconds(pids):
    """To the nanosecond; /proc/PID/stat counts in hundredths of a second."""
    threads = (thread for pid in pids for thread in pathlib.Path(f"/proc/{pid}/task").iterdir())
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


class Nginx:
    """One worker that serves a folder over TLS."""

    def __init__(self, folder, certificate, key):
        self.port = demo.free_port(0)
        self.folder = folder / "nginx"
        (self.folder / "files").mkdir(parents=True)
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log;
            {'user root;' if os.geteuid() == 0 else ''}
            events {{ worker_connections 256; }}
            http {{
              access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types {{ video/mp4 mp4; }}
              open_file_cache max=100;
              server {{
                listen 127.0.0.1:{self.port} ssl; root {self.folder}/files;
                ssl_certificate {certificate}; ssl_certificate_key {key};
                ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites {CIPHER};
              }}
            }}""")
        self.process = subprocess.Popen(["taskset", "-c", "0", "nginx", "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder)],
                                        stderr=subprocess.DEVNULL)
        self.url = f"https://127.0.0.1:{self.port}"
        deadline = time.monotonic() + 5
        while not self.accepts():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx does not start: {(self.folder / 'error.log').read_text()}")
            time.sleep(0.05)

    def pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def put(self, name, body):
        (self.folder / "files" / name).write_bytes(body)
        return f"{self.url}/{name}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Tidegate:
    def __init__(self, program, folder):
        http, https, media = (demo.free_port(0) for _ in range(3))
        self.program, self.folder = program, folder
        self.url, self.tls_url = f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}"
        self.log = open(folder / "server.log", "w")
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", program, "serve", "--data-dir", str(folder / "data"), "--shards", "1",
             "--http-listen", f"127.0.0.1:{http}", "--https-listen", f"127.0.0.1:{https}", "--media-listen", f"127.0.0.1:{media}", "--media-tcp-listen", "off",
             "--access-key", "BENCHKEY", "--secret-key", "benchsecret", "--region", demo.REGION], stdout=self.log, stderr=self.log)
        while not demo.is_healthy(self.url):
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {(folder / 'server.log').read_text()}")
            time.sleep(0.05)
        self.api = demo.Api(self.url, "BENCHKEY", "benchsecret")

    def pids(self):
        return [self.process.pid]

    def cost(self, action):
        """Processor seconds of the server for one action, and what it gave."""
        before = processor_seconds(self.pids())
        value = action()
        return processor_seconds(self.pids()) - before, value

    def record(self, name, bit_rate, seconds):
        """A recording from a camera: a moving picture of just this bit rate, and speech-like sound."""
        video, sound = self.folder / f"{name}.h264", self.folder / f"{name}.opus"
        rate = f"{bit_rate}k"
        run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=25:duration={seconds},noise=alls=40:allf=t", "-c:v", "libx264",
            "-preset", "veryfast", "-bf", "0", "-g", "50", "-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-x264-params", "nal-hrd=cbr", str(video))
        run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"aevalsrc='0.3*sin(2*PI*t*(200+100*sin(3*t)))+0.05*random(0)':s=48000:d={seconds}",
            "-c:a", "libopus", "-b:a", "32k", "-frame_duration", "20", str(sound))
        run(self.program, "camera", "--endpoint", self.url, "--region", demo.REGION, "--access-key", "BENCHKEY", "--secret-key", "benchsecret",
            "--ca", str(self.folder / "data/tls/ca.pem"), "--channel", name, "--create", "--h264", str(video), "--opus", str(sound), "--quiet")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            fragments = sorted(self.api.call("/listFragments", StreamName=name, MaxResults=1000)["Fragments"], key=lambda each: each["ProducerTimestamp"])
            if sum(each["FragmentLengthInMilliseconds"] for each in fragments) >= (seconds - 1) * 1000:
                return fragments
            time.sleep(0.2)
        raise RuntimeError("the recording did not become complete")

    def hls(self, name, fragments, track):
        """The addresses of a track's segments."""
        span = {"StartTimestamp": fragments[0]["ProducerTimestamp"], "EndTimestamp": fragments[-1]["ProducerTimestamp"] + 1}
        url = self.api.call("/getHLSStreamingSessionURL", StreamName=name, PlaybackMode="ON_DEMAND", DiscontinuityMode="NEVER",
                            Expires=43200, HLSFragmentSelector={"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": span})["HLSStreamingSessionURL"]
        playlist = url.replace("getHLSMasterPlaylist", "getHLSMediaPlaylist") + f"&TrackNumber={track}"
        text = urllib.request.urlopen(playlist).read().decode()
        return [urllib.parse.urljoin(playlist, line) for line in text.splitlines() if line.startswith("getMP4Media")]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def cipher_of(url):
    host, port = url.split("//")[1].split("/")[0].split(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname="localhost") as connection:
        return connection.cipher()[0]


def load(url, pids, seconds, size):
    """Bytes of body per processor second of the server, and a second of the clock."""
    before, began = processor_seconds(pids), time.monotonic()
    report = run("taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url)
    cpu, elapsed = processor_seconds(pids) - before, time.monotonic() - began
    if "Non-2xx" in report or "Socket errors" in report:
        raise RuntimeError(f"wrk on {url}:\n{report}")
    requests = int(re.search(r"(\d+) requests in", report)[1])
    return requests * size / cpu, requests * size / elapsed


def compare(tidegate, nginx, name, fragments, options):
    """Warm segments of one size: medians of rounds that take turns."""
    sizes = [(len(urllib.request.urlopen(url).read()), url) for url in tidegate.hls(name, fragments, 1)]
    size, url = sorted(sizes)[len(sizes) // 2]
    body = urllib.request.urlopen(url).read()
    theirs = nginx.put(f"{name}.mp4", body)
    ours = tidegate.tls_url + url[len(tidegate.url):]
    ciphers = {cipher_of(ours), cipher_of(theirs)}
    if len(ciphers) != 1:
        raise RuntimeError(f"the ciphers differ: {ciphers}")
    rows = {"ours": [], "nginx": []}
    for _ in range(options.rounds):
        rows["ours"].append(load(ours, tidegate.pids(), options.seconds, size))
        rows["nginx"].append(load(theirs, nginx.pids(), options.seconds, size))
    medians = {who: statistics.median(cpu for cpu, _ in row) for who, row in rows.items()}
    return {"bytes": size, "cipher": ciphers.pop(),
            "MB_per_core_second": {who: round(value / 1e6) for who, value in medians.items()},
            "ratio": round(medians["ours"] / medians["nginx"], 2),
            "ratios": sorted(round(a / b, 2) for (a, _), (b, _) in zip(rows["ours"], rows["nginx"]))}


def measure_first_reads(tidegate, fragments, name, steps):
    """Rendering is paid once: the first GET of each sound segment, less what the same GET costs again."""
    urls = tidegate.hls(name, fragments, 2)
    seconds = sum(each["FragmentLengthInMilliseconds"] for each in fragments) / 1000
    first, _ = tidegate.cost(lambda: [urllib.request.urlopen(url).read() for url in urls])
    raw = json.loads(run("taskset", "-c", "0", steps, str(tidegate.folder / f"{name}.opus")))
    raw_us = raw["decode_us_per_second"] + raw["encode_us_per_second"]
    ours_us = first / seconds * 1e6
    return {"us_per_second_of_sound": round(ours_us), "raw_us_per_second_of_sound": round(raw_us), "ratio": round(ours_us / raw_us, 2)}


def measure_images(tidegate, fragments, name):
    start, end = fragments[0]["ProducerTimestamp"], fragments[-1]["ProducerTimestamp"]
    cost, answer = tidegate.cost(lambda: tidegate.api.call(
        "/getImages", StreamName=name, ImageSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=start, EndTimestamp=end, SamplingInterval=2000, Format="JPEG"))
    images = [each for each in answer["Images"] if "ImageContent" in each]
    return {"images": len(images), "ms_cpu_per_image": round(cost / max(1, len(images)) * 1000, 1)}


def measure_clip(tidegate, fragments, name):
    span = {"StartTimestamp": fragments[0]["ProducerTimestamp"], "EndTimestamp": fragments[-1]["ProducerTimestamp"] + 1}

    def read():
        with tidegate.api.open("/getClip", StreamName=name, ClipFragmentSelector={"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": span}) as body:
            return len(body.read())
    seconds = sum(each["FragmentLengthInMilliseconds"] for each in fragments) / 1000
    costs = [tidegate.cost(read) for _ in range(5)]
    return {"seconds": seconds, "bytes": costs[0][1],
            "ms_cpu_per_minute_of_video": round(statistics.median(cost for cost, _ in costs) / seconds * 60_000, 1)}


def measure(options, folder):
    tidegate = Tidegate(options.tidegate, folder)
    nginx = Nginx(folder, folder / "data/tls/server.pem", folder / "data/tls/server-key.pem")
    try:
        small = tidegate.record("small", 1000, 24)
        large = tidegate.record("large", 4000, 12)
        return {
            "first_read_of_sound": measure_first_reads(tidegate, small, "small", options.steps),
            "images": measure_images(tidegate, small, "small"),
            "clip": measure_clip(tidegate, small, "small"),
            "segments_of_250_KB": compare(tidegate, nginx, "small", small, options),
            "segments_of_1_MB": compare(tidegate, nginx, "large", large, options),
        }
    finally:
        nginx.stop()
        tidegate.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tidegate", required=True)
    parser.add_argument("--steps", required=True, help="the program that decodes and encodes sound and nothing else")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of one round of load")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was written goes then too
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-playback-"))
    try:
        print(json.dumps(measure(options, folder)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
