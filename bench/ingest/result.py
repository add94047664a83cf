# SPDX-License-Identifier: Apache-2.0
"""Medians over rounds, ratios to the raw pipeline of the same round, and the table for people."""
import collections
import statistics

BARS = {"aes-gcm": {"cpu_us_per_packet": 3.0, "cameras_per_core": 2500}, "aes-cm": {"cpu_us_per_packet": 3.8, "cameras_per_core": 2000}}
RATIO_BAR, MEMORY_BAR, GROWTH_BAR = 1.5, 300, 1.1


def median(rows):
    """Of rows alike: each number's median, and what is no number as the first row has it. What a row does not name of a group is 0 there."""
    out = {}
    for key, first in rows[0].items():
        known = [row.get(key) for row in rows if row.get(key) is not None]
        if isinstance(first, dict):
            names = dict.fromkeys(each for row in known for each in row)
            out[key] = {each: round(statistics.median(row.get(each, 0) for row in known), 3) for each in names}
        elif isinstance(first, (int, float)) and not isinstance(first, bool):
            out[key] = known[0] if len(set(known)) == 1 else round(statistics.median(known), 3)
        else:
            out[key] = first
    return out


def combine(server_rows, raw_rows):
    """A row of the result from the rounds of one number of cameras; raw_rows may be empty."""
    row = median(server_rows)
    row["rounds"] = len(server_rows)
    row["gaps"] = dict(sum((collections.Counter(each["gaps"]) for each in server_rows), collections.Counter()))
    row["rounds_without_missing_frame"] = sum(is_complete(each) for each in server_rows)
    row["frames_lost"] = row["frames_missing"]
    if raw_rows:
        raw = median(raw_rows)
        row["raw_cpu_us_per_packet"] = raw["cpu_us_per_packet"]
        row["ratio_to_raw"] = round(statistics.median(
            each["cpu_us_per_camera_second"] / other["cpu_us_per_camera_second"] for each, other in zip(server_rows, raw_rows)), 3)
        row["raw_generator_core"] = raw["generator_core"]
    return row


def is_complete(row):
    return row["failed"] == 0 and row["frames_missing"] == 0 and row["frames_altered"] == 0 and row["frames_repeated"] == 0


def markdown(result):
    machine = result["machine"]
    lines = [f"# Ingest: cameras into one core", "",
             f"{machine['processor']}, {machine['processors']} processors, kernel {machine['kernel']}, commit {machine['commit']}; "
             f"{result['rounds']} rounds of {result['seconds']} s, medians; server on processor 0, cameras on processor 1, UDP GRO off.", "",
             "| SRTP | cameras | failed | packets/s | CPU of the core | us/packet (bar) | of raw (bar 1.5) | frames sent / missing | rounds complete "
             "| kernel drops | session KiB (bar 300) | generator core busy / softirq | server core softirq |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in result["rows"]:
        ratio = row.get("ratio_to_raw")
        lines.append(
            f"| {row['srtp_profile']} | {row['cameras']} | {row['failed']:.0f} | {row['packets_per_second']:,.0f} | {row['cpu_percent_of_core']} % "
            f"| {row['cpu_us_per_packet']:.2f} ({BARS[row['srtp_profile']]['cpu_us_per_packet']}) | {ratio if ratio is not None else '-'} "
            f"| {row['frames_sent']:,.0f} / {row['frames_missing']:,.0f} | {row['rounds_without_missing_frame']} of {row['rounds']} "
            f"| {row['kernel_drops']:,.0f} | {row['memory_per_session_kib']:.0f} | {row['generator_core']['busy_percent']} / "
            f"{row['generator_core']['softirq_percent']} % | {row['server_core']['softirq_percent']} % |")
    lines.append("")
    for row in result["rows"]:
        if row["frames_missing"]:
            lines.append(f"- {row['cameras']} cameras, {row['srtp_profile']}: gaps by reason: {row['gaps'] or 'none'}")
        if "sound_rendered_per_second" in row:
            lines.append(f"- {row['cameras']} cameras, {row['srtp_profile']}: sound of {row['sound_rendered_per_second']} fragments a second rendered on write, of "
                         f"{row['fragments_per_second']} recorded; {row['sound_waiting']:.0f} wait, {row['sound_left_out']:.0f} left out")
    for profile, found in result["cameras_per_core"].items():
        lines.append(f"- Cameras per core without a missing frame, {profile}: {found} (bar {BARS[profile]['cameras_per_core']})")
    for profile, growth in result["growth"].items():
        lines.append(f"- CPU of a camera at {growth['to']} cameras against {growth['from']}, {profile}: {growth['ratio']} (bar {GROWTH_BAR})")
    steps = next((row for row in reversed(result["rows"]) if row.get("cpu_ns_per_packet_by_step")), None)
    if steps:
        lines += ["", f"CPU of a packet by step ({steps['srtp_profile']}, {steps['cameras']} cameras), by samples of the stacks:", "", "| step | ns |", "|---|---|"]
        lines += [f"| {name} | {value:.0f} |" for name, value in sorted(steps["cpu_ns_per_packet_by_step"].items(), key=lambda each: -each[1])]
    return "\n".join(lines) + "\n"


def growth(rows):
    """CPU of a camera at the most cameras against the fewest, where there are several numbers."""
    out = {}
    for profile in {row["srtp_profile"] for row in rows}:
        own = sorted((row for row in rows if row["srtp_profile"] == profile), key=lambda row: row["cameras"])
        if len(own) > 1:
            out[profile] = {"from": own[0]["cameras"], "to": own[-1]["cameras"],
                            "ratio": round(own[-1]["cpu_us_per_camera_second"] / own[0]["cpu_us_per_camera_second"], 3)}
    return out
