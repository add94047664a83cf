# SPDX-License-Identifier: Apache-2.0
"""What every camera of the bench sends: 560 kbit/s of H.264 and 65 kbit/s of stereo Opus, about 131 packets a second."""
import subprocess

SECONDS = 10  # of the loop: five groups of pictures
VIDEO = ["-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=25:duration={SECONDS},noise=alls=6:allf=t", "-c:v", "libx264", "-profile:v", "baseline",
         "-preset", "veryfast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-bf", "0", "-b:v", "560k", "-maxrate", "560k", "-bufsize", "280k",
         "-threads", "1", "-x264-params", "slices=1:sliced-threads=0:repeat-headers=1"]
# Sweeps and noise: nothing that an encoder finds easy.
SOUND = ["-f", "lavfi", "-i", "aevalsrc=0.2*sin(500*t*t)+0.1*sin(2000*t)+0.05*(random(0)-0.5)|0.2*sin(480*t*t)+0.05*(random(1)-0.5)"
         f":d={SECONDS + 0.2}:s=48000", "-c:a", "libopus", "-b:a", "65k", "-vbr", "constrained"]


def make(folder):
    """Paths of the two files."""
    video, sound = folder / "camera.h264", folder / "camera.opus"
    for arguments, path, kind in ((VIDEO, video, "h264"), (SOUND, sound, "opus")):
        subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, "-f", kind, str(path)], check=True)
    return video, sound
