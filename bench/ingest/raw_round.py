# SPDX-License-Identifier: Apache-2.0
"""One round of the raw pipeline: its receiver on processor 0, its cameras on processor 1."""
import json
import signal
import shutil
import subprocess
import time

import machine


def measure(options, folder, media, cameras, profile):
    folder.mkdir()
    video, sound = media
    common = ["--cameras", str(cameras), "--profile", profile]
    receiver = subprocess.Popen(["taskset", "-c", "0", options.raw_receive, "--log", str(folder / "log"), "--seconds", str(options.seconds), *common],
                                stdout=subprocess.PIPE, text=True)
    port = json.loads(receiver.stdout.readline())["port"]
    sender = subprocess.Popen(["taskset", "-c", "1", options.raw_send, "--port", str(port), "--h264", str(video), "--opus", str(sound), *common,
                               "--seconds", str(options.seconds + 60)], stdout=subprocess.PIPE, text=True)
    try:
        before, cpu, began = machine.processors(), machine.processor_seconds(sender.pid), time.monotonic()
        line = receiver.stdout.readline()
        after, cpu, elapsed = machine.processors(), machine.processor_seconds(sender.pid) - cpu, time.monotonic() - began
        if not line:
            raise RuntimeError("the raw receiver ended early")
        got = json.loads(line)
        sender.send_signal(signal.SIGINT)
        sent = json.loads(sender.communicate(timeout=20)[0])
    finally:
        for process in (receiver, sender):
            if process.poll() is None:
                process.kill()
            process.wait()
    shutil.rmtree(folder)
    return {
        "pipeline": "raw", "srtp_profile": profile, "cameras": cameras, "seconds": round(got["seconds"], 1),
        "packets_per_second": round(got["packets"] / got["seconds"]), "cpu_percent_of_core": round(100 * got["cpu_seconds"] / got["seconds"], 1),
        "cpu_us_per_packet": round(got["cpu_seconds"] / got["packets"] * 1e6, 3),
        "cpu_us_per_camera_second": round(got["cpu_seconds"] / got["seconds"] / cameras * 1e6, 1), "kernel_drops": got["kernel_drops"], "bad": got["bad"],
        "generator_cpu_percent_of_core": round(100 * cpu / elapsed, 1), "generator_calls": sent["calls"], "generator_late_calls": sent["late_calls"], "generator_send_drops": sent["send_drops"],
        "server_core": machine.shares(before, after, 0), "generator_core": machine.shares(before, after, 1),
    }
