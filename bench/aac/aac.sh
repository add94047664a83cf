#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev bench aac: makes speech with espeak-ng and measures both AAC encoders on it and on music.
# usage: aac.sh PROGRAM [MORE.wav ...]
set -euo pipefail
program=$1
shift
directory=$(mktemp -d /var/tmp/tidegate-aac-XXXXXX)
trap 'rm -rf "$directory"' EXIT

# speak NAME VOICE TEXT: 48 kHz, 16 bits
speak() {
  espeak-ng -v "$2" -s 160 -w "$directory/$1.raw.wav" "$3"
  ffmpeg -v error -i "$directory/$1.raw.wav" -ar 48000 -sample_fmt s16 "$directory/$1.wav"
}
speak english en-us "The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore. A camera that records
  at night hears footsteps, doors, and sometimes a passing car."
speak german de+f3 "Der Zug kommt heute spaeter an, weil es in der Nacht geschneit hat. Bitte treten Sie von der
  Bahnsteigkante zurueck."
"$program" "$directory/english.wav" "$directory/german.wav" "$@"
