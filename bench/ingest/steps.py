# SPDX-License-Identifier: Apache-2.0
"""Where a process spends its time: samples of its stacks, each counted for one step."""
import collections
import shutil
import subprocess

# The first row that matches any symbol of a sample's stack names its step.
STEPS = [
    ("UDP receive", ("recvmmsg", "recvmsg", "recvfrom")),
    ("UDP send", ("sendmmsg", "sendmsg", "sendto")),
    ("disk write and sync", ("fdatasync", "pwrite", "writev", "fsync", "ftruncate", "fallocate", "io_uring")),
    ("index", ("sqlite3",)),
    ("SRTP", ("webrtc::srtp", "EVP_", "CRYPTO_gcm128", "aesni", "gcm_ghash", "aes_gcm", "aes_cntr", "hmac_sha1", "sha1_")),
    ("DTLS", ("SSL_", "dtls")),
    ("ICE", ("webrtc::ice",)),
    ("RTP", ("rtp::",)),
    ("recorder and Matroska", ("streams::Recorder", "streams::Fragment", "container::", "streams::")),
    ("store", ("store::",)),
    ("HTTP and signaling", ("net::Http", "net::WebSocket", "api::", "aws::")),
    ("peer and port", ("webrtc::", "sessions::", "net::UdpPort")),
    ("event loop", ("epoll", "boost::asio", "async::", "timerfd")),
]


def available():
    return shutil.which("perf") is not None


class Recording:
    """perf beside a running process, from the beginning of a `with` to its end."""

    def __init__(self, pid, path):
        self.pid, self.path = pid, str(path)

    def __enter__(self):
        self.perf = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "199", "-g", "-p", str(self.pid), "-o", self.path],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.perf.send_signal(2)
        self.perf.wait()

    def shares(self):
        """Share of the samples per step."""
        script = subprocess.run(["perf", "script", "-i", self.path, "-F", "ip,sym"], capture_output=True, text=True, check=True)
        counts = collections.Counter()
        for stack in script.stdout.split("\n\n"):
            symbols = [line.split(" ", 1)[-1] for line in map(str.strip, stack.splitlines()) if line]
            if symbols:
                counts[next((name for name, words in STEPS if any(word in symbol for symbol in symbols for word in words)), "other")] += 1
        total = sum(counts.values()) or 1
        return {name: count / total for name, count in counts.most_common()}
