# SPDX-License-Identifier: Apache-2.0
"""What the kernel counts: processor time of a process and of a processor, and memory."""
import os
import pathlib
import platform
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    """Of all threads of a process, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processors():
    """Seconds that each processor spent in all, idle, and in softirqs."""
    rows = {}
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu":
            ticks = [int(field) / TICKS for field in fields]
            rows[int(name[3:])] = {"total": sum(ticks[:8]), "idle": ticks[3] + ticks[4], "softirq": ticks[6], "steal": ticks[7]}
    return rows


def shares(before, after, processor):
    """Busy, softirq and stolen percent of one processor between two readings."""
    spent = {key: after[processor][key] - before[processor][key] for key in before[processor]}
    total = spent["total"] or 1
    return {"busy_percent": round(100 * (total - spent["idle"]) / total, 1), "softirq_percent": round(100 * spent["softirq"] / total, 1),
            "steal_percent": round(100 * spent["steal"] / total, 1)}


def describe(root):
    """Where a result comes from."""
    names = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    commit = subprocess.run(["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True).stdout.strip()
    return {"processor": names[0] if names else platform.machine(), "processors": len(names), "kernel": platform.release(), "commit": commit or "unknown"}
