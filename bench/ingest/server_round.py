# SPDX-License-Identifier: Apache-2.0
"""One round of the server: it and all its threads on processor 0, the cameras on processor 1."""
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import demo  # noqa: E402
import machine  # noqa: E402
import steps  # noqa: E402

KEY, SECRET = "BENCHKEY", "benchsecret"
CACHE_BYTES = 256 << 20  # of recent fragments; the default


def metrics(url):
    text = urllib.request.urlopen(url + "/metrics").read().decode()
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in rows}


class Server:
    """A server of its own data directory, pinned; ends with the `with`."""

    def __init__(self, program, folder, extra=()):
        http, https, media = (demo.free_port(0) for _ in range(3))
        self.folder, self.url, self.log = folder, f"http://127.0.0.1:{http}", folder / "server.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", "0", program, "serve", "--data-dir", str(folder / "data"), "--shards", "1", "--http-listen", f"127.0.0.1:{http}",
                 "--https-listen", f"127.0.0.1:{https}", "--media-listen", f"127.0.0.1:{media}", "--media-tcp-listen", "off", "--access-key", KEY,
                 "--secret-key", SECRET, "--region", demo.REGION, "--joins-per-second", "100000", "--cache-bytes", str(CACHE_BYTES), *extra], stdout=log, stderr=log)

    def __enter__(self):
        while not demo.is_healthy(self.url):
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def camera_arguments(self):
        return ["--endpoint", self.url, "--region", demo.REGION, "--access-key", KEY, "--secret-key", SECRET,
                "--ca", str(self.folder / "data/tls/ca.pem"), "--channel", "bench", "--create", "--json", "--quiet"]


def wait_for_connections(server, camera, count, seconds):
    end = time.monotonic() + seconds
    while True:
        connected = metrics(server.url)["tidegate_sessions_connected_total"]
        if connected >= count:
            return
        if camera.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{connected:.0f} of {count} cameras connected within {seconds} s: {(server.folder / 'camera.log').read_text()[-2000:]}")
        time.sleep(0.2)


# Contents of the fragments that are being written: each camera's last second on the average.
IN_PROGRESS_BYTES = (560_000 + 65_000) / 8


def measure_memory(server, empty, cameras):
    """What the process has grown by, and what of it is a session's own: neither the cache of recent fragments, which is
    one for the whole server and bounded, nor the fragment in progress."""
    grown = machine.resident_bytes(server.process.pid) - empty
    cached = min(CACHE_BYTES, metrics(server.url)["tidegate_fragments_committed_bytes_total"])  # each goes there
    return {"resident_growth_per_session_kib": round(grown / cameras / 1024), "fragment_cache_mib": round(cached / 2**20),
            "memory_per_session_kib": round(((grown - cached) / cameras - IN_PROGRESS_BYTES) / 1024)}


def measure(options, folder, media, cameras, profile):
    """A row of the result; `folder` is new and goes away."""
    folder.mkdir()
    video, sound = media
    manifest = folder / "manifest"
    with Server(options.tidegate, folder, options.server_option) as server:
        empty = machine.resident_bytes(server.process.pid)
        began = time.monotonic()
        with open(folder / "camera.log", "w") as log:
            camera = subprocess.Popen(
                ["taskset", "-c", "1", options.tidegate, "camera", *server.camera_arguments(), "--count", str(cameras), "--h264", str(video),
                 "--opus", str(sound), "--duration", "86400", "--srtp-profile", profile, "--manifest", str(manifest), *options.camera_option],
                stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            wait_for_connections(server, camera, cameras, 90)
            joined = time.monotonic() - began
            time.sleep(5)  # past the first fragments
            row = {"pipeline": "server", "srtp_profile": profile, **measure_interval(options, folder, server, camera, cameras)}
            row["seconds_to_join_all"] = round(joined, 1)
            row |= measure_memory(server, empty, cameras)
            camera.send_signal(signal.SIGINT)
            report = json.loads(camera.communicate(timeout=120)[0].strip().splitlines()[-1])
            row["gaps"] = gaps(metrics(server.url))
        finally:
            if camera.poll() is None:
                camera.kill()
                camera.wait()
        row["failed"] = report["failed"]
        row["packets_resent"] = sum(each["packets_resent"] for each in report["cameras"])
        row["joins"] = sum(each["joins"] for each in report["cameras"])
        row["generator_late_frames"] = sum(each["late_frames"] for each in report["cameras"])
    row |= check(options, folder / "data", manifest)
    shutil.rmtree(folder)
    return row


def check(options, data, manifest):
    """After the server has ended: what was sent against what its volumes hold."""
    done = subprocess.run([options.check, "--data-dir", str(data), "--manifest", str(manifest)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    found = json.loads(done.stdout)
    both = {key: found["video"][key] + found["audio"][key] for key in found["video"]}
    return {"frames_sent": both["sent"], "frames_stored": both["stored"], "frames_missing": both["missing"], "frames_altered": both["altered"],
            "frames_repeated": both["repeated"], "incomplete_cameras": found["incomplete_cameras"], "fragments": found["fragments"]}


def gaps(values):
    """Those that were recorded, by reason."""
    prefix = 'tidegate_recording_gaps_total{reason="'
    return {name[len(prefix):-2]: int(value) for name, value in values.items() if name.startswith(prefix) and value}


def rendered(before, after, elapsed):
    """Sound rendered on write: how much of what was committed meanwhile, and what waits or was left out."""
    if not after["tidegate_sound_rendered_total"]:
        return {}
    sound, fragments = (after[name] - before[name] for name in ("tidegate_sound_rendered_total", "tidegate_fragments_committed_total"))
    return {"sound_rendered_per_second": round(sound / elapsed, 1), "fragments_per_second": round(fragments / elapsed, 1),
            "sound_waiting": int(after["tidegate_sound_on_write_waiting"]), "sound_left_out": int(after["tidegate_sound_on_write_left_out_total"])}


def measure_interval(options, folder, server, camera, cameras):
    pid = server.process.pid
    before, busy_before = metrics(server.url), machine.processors()
    cpu, cpu_camera, began = machine.processor_seconds(pid), machine.processor_seconds(camera.pid), time.monotonic()
    recording = None
    if steps.available() and not options.no_perf:
        with steps.Recording(pid, folder / "perf.data") as recording:
            time.sleep(options.seconds)
    else:
        time.sleep(options.seconds)
    elapsed = time.monotonic() - began
    cpu, cpu_camera = machine.processor_seconds(pid) - cpu, machine.processor_seconds(camera.pid) - cpu_camera
    after, busy_after = metrics(server.url), machine.processors()
    packets = after["tidegate_udp_received_packets_total"] - before["tidegate_udp_received_packets_total"]
    each = cpu / packets * 1e6
    return {
        "cameras": cameras, "seconds": round(elapsed, 1), "packets_per_second": round(packets / elapsed),
        "cpu_percent_of_core": round(100 * cpu / elapsed, 1), "cpu_us_per_packet": round(each, 3),
        "cpu_us_per_camera_second": round(cpu / elapsed / cameras * 1e6), "kernel_drops": int(after["tidegate_udp_receive_overflows_total"]),
        **rendered(before, after, elapsed),
        "packets_sent_back_per_second": round((after["tidegate_udp_sent_packets_total"] - before["tidegate_udp_sent_packets_total"]) / elapsed),
        "generator_cpu_percent_of_core": round(100 * cpu_camera / elapsed, 1),
        "server_core": machine.shares(busy_before, busy_after, 0), "generator_core": machine.shares(busy_before, busy_after, 1),
        "cpu_ns_per_packet_by_step": recording and {name: round(share * each * 1000) for name, share in recording.shares().items()},
    }
