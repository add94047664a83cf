#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Server and synthetic camera together: shows that recording works, and what to do next.

demo.py --tidegate PROGRAM           runs until Ctrl-C and prints the console's and the API's URL, keys, HLS URL, a ready aws line, file locations
demo.py --tidegate PROGRAM --check   records for ten seconds, verifies the recording, ends with one line of JSON
"""
import argparse
import datetime
import hashlib
import hmac
import json
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

REGION = "us-west-2"
NAME = "demo"
CHECK_SECONDS = 10
DAY_SECONDS = 86400


def free_port(preferred, kind=socket.SOCK_STREAM):
    """The preferred port, or one the system has free."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise RuntimeError("no free port")


def is_healthy(url):
    try:
        with urllib.request.urlopen(url + "/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


class Api:
    """The few calls a demo needs, signed by hand so that it needs no SDK."""

    def __init__(self, url, access_key, secret_key):
        self.url, self.access_key, self.secret_key = url, access_key, secret_key

    def open(self, path, timeout=20, **members):
        """The answer as a stream; the caller closes it."""
        body = json.dumps(members).encode()
        date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        host = self.url.split("//")[1]
        scope = f"{date[:8]}/{REGION}/kinesisvideo/aws4_request"
        canonical = f"POST\n{path}\n\nhost:{host}\nx-amz-date:{date}\n\nhost;x-amz-date\n{hashlib.sha256(body).hexdigest()}"
        to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.secret_key}".encode()
        for part in (*scope.split("/"), to_sign):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        request = urllib.request.Request(self.url + path, data=body, headers={
            "Content-Type": "application/json", "X-Amz-Date": date,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders=host;x-amz-date, Signature={key.hex()}"})
        return urllib.request.urlopen(request, timeout=timeout)

    def call(self, path, **members):
        with self.open(path, **members) as answer:
            return json.loads(answer.read() or b"{}")

    def fragments(self):
        try:
            return sorted(self.call("/listFragments", StreamName=NAME, MaxResults=1000)["Fragments"], key=lambda each: each["ProducerTimestamp"])
        except urllib.error.HTTPError as error:
            if error.code == 404:  # the camera has not created the stream yet
                return []
            raise

    def hls_url(self, fragments=None):
        """The live stream, or exactly these fragments."""
        members = {"StreamName": NAME, "PlaybackMode": "LIVE", "Expires": 43200}
        if fragments:
            span = {"StartTimestamp": fragments[0]["ProducerTimestamp"] - 1, "EndTimestamp": fragments[-1]["ProducerTimestamp"] + 1}
            members |= {"PlaybackMode": "ON_DEMAND", "HLSFragmentSelector": {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": span}}
        return self.call("/getHLSStreamingSessionURL", **members)["HLSStreamingSessionURL"]


class Demo:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.access_key = "AKID" + secrets.token_hex(8).upper()
        self.secret_key = secrets.token_urlsafe(30)
        http, https, media = free_port(8080), free_port(8443), free_port(8443, socket.SOCK_DGRAM)
        self.url = f"http://127.0.0.1:{http}"
        self.api = Api(self.url, self.access_key, self.secret_key)
        self.logs = [open(folder / name, "wb") for name in ("server.log", "camera.log")]
        self.camera = None
        self.server = subprocess.Popen(
            [program, "serve", "--data-dir", str(folder / "store"), "--http-listen", f"127.0.0.1:{http}", "--https-listen", f"127.0.0.1:{https}",
             "--media-listen", f"127.0.0.1:{media}", "--media-tcp-listen", "off", "--region", REGION, "--access-key", self.access_key, "--secret-key", self.secret_key],
            stdout=self.logs[0], stderr=subprocess.STDOUT)

    def until(self, what, condition, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            for process, name in ((self.server, "server"), (self.camera, "camera")):
                if process is not None and process.poll() not in (None, 0):
                    raise RuntimeError(f"the {name} ended with {process.returncode}: see {self.folder}/{name}.log")
            time.sleep(0.05)
        raise RuntimeError(f"{what} took more than {seconds} s: see the logs in {self.folder}")

    def healthy(self):
        return is_healthy(self.url)

    def start_camera(self, seconds):
        self.camera = subprocess.Popen(
            [self.program, "camera", "--endpoint", self.url, "--region", REGION, "--access-key", self.access_key, "--secret-key", self.secret_key,
             "--channel", NAME, "--stream", NAME, "--create", "--duration", str(seconds), "--ca", str(self.folder / "store/tls/ca.pem"), "--json"],
            stdout=subprocess.PIPE, stderr=self.logs[1])

    def stop(self):
        for process in (self.camera, self.server):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()


def program_output(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} found a fault: {(result.stderr or result.stdout).strip()[-2000:]}")
    return result.stdout


def verify(demo):
    """Waits for the camera's end, then judges the recording with ffprobe and ffmpeg; the findings as a dictionary."""
    output, _ = demo.camera.communicate(timeout=CHECK_SECONDS + 40)
    if demo.camera.returncode != 0:
        raise RuntimeError(f"the camera ended with {demo.camera.returncode}: see {demo.folder}/camera.log")
    report = json.loads(output.decode().strip().splitlines()[-1])

    def whole():
        found = demo.api.fragments()
        return found if sum(each["FragmentLengthInMilliseconds"] for each in found) >= CHECK_SECONDS * 1000 - 300 else None
    fragments = demo.until("the end of the recording", whole, 15)
    url = demo.api.hls_url(fragments)
    probed = json.loads(program_output("ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", url))
    codecs = sorted(stream["codec_name"] for stream in probed["streams"])
    if codecs != ["aac", "h264"]:
        raise RuntimeError(f"expected one H.264 and one AAC stream, found {codecs}")
    duration = float(probed["format"]["duration"])
    if abs(duration - CHECK_SECONDS) > 0.5:
        raise RuntimeError(f"{duration} s are recorded of {CHECK_SECONDS} s")
    program_output("ffmpeg", "-nostdin", "-v", "error", "-xerror", "-err_detect", "explode", "-i", url, "-f", "null", "-")
    return {"fragments": len(fragments), "codecs": codecs, "duration_s": round(duration, 3), "camera": report}


def first_durable_ms(report):
    """JoinStorageSession to first durable fragment, as the camera saw it."""
    cameras = report.get("cameras") or [report]
    timings = cameras[0].get("timings_ms", cameras[0])
    return timings.get("first_fragment")


def check(program):
    started = time.monotonic()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-demo-"))
    demo = Demo(program, folder)
    result = {"ok": False}
    try:
        demo.until("the server's start", demo.healthy, 20)
        demo.start_camera(CHECK_SECONDS)
        demo.until("the first fragment", demo.api.fragments, 20)
        print(f"recording; first fragment listed {time.monotonic() - started:.1f} s after the start", flush=True)
        found = verify(demo)
        result = {"ok": True, "join_to_first_durable_fragment_ms": first_durable_ms(found["camera"]), **found}
        print(f"from JoinStorageSession to the first durable fragment: {result['join_to_first_durable_fragment_ms']} ms")
    except (RuntimeError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        result["error"] = str(error)
        result["logs"] = str(folder)
    finally:
        demo.stop()
    if result["ok"]:
        shutil.rmtree(folder)
    result["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(result))
    return 0 if result["ok"] else 1


def show(program):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-demo-"))
    demo = Demo(program, folder)
    try:
        demo.until("the server's start", demo.healthy, 20)
        demo.start_camera(DAY_SECONDS)
        demo.until("the recording's start", lambda: len(demo.api.fragments()) >= 2, 30)
        print(f"""
Console      {demo.url}/console/
             a synthetic camera is being recorded over WebRTC: sign in with the key below to see it

API URL      {demo.url}
access key   {demo.access_key}
secret key   {demo.secret_key}
region       {REGION}
HLS (live)   {demo.api.hls_url()}
             ffplay, VLC, Safari and hls.js open it

AWS CLI:
  export AWS_ACCESS_KEY_ID={demo.access_key} AWS_SECRET_ACCESS_KEY={demo.secret_key} AWS_DEFAULT_REGION={REGION}
  aws --endpoint-url {demo.url} kinesis-video-archived-media list-fragments --stream-name {NAME}

recording    {folder}/store
logs         {folder}/server.log, {folder}/camera.log

Ctrl-C stops it; the recording stays where it is.""", flush=True)
        demo.server.wait()
        return 1
    except RuntimeError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        demo.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tidegate", required=True)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    sys.exit((check if options.check else show)(options.tidegate))
