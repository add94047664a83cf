# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# Without a room the client tests run too, and they need a browser, the AWS CLI and Node.
test_verb() {
  local rooms=0 all=no
  for argument in "$@"; do
    case $argument in
      --all) all=yes ;;
      -*) ;;
      *) rooms=1 ;;
    esac
  done
  if [ $rooms = 0 ]; then
    need demo test
    need_node
  fi
  if [ $all = yes ]; then need lint; fi
  python3 tools/run_tests.py --jobs "$JOBS" --preset "$PRESET" --node "$(node_path)" "$@"
}

lint_verb() {
  configure
  python3 tools/lint.py --preset "$PRESET" --jobs "$JOBS" "$@"
}

format_verb() {
  git ls-files -z --cached --others --exclude-standard '*.cpp' '*.hpp' | xargs -0 clang-format-19 -i
}

# fuzz [TARGET] [SECONDS]: TARGET is a corpus name such as rtp_packet.
fuzz_verb() {
  local wanted=all seconds=60 target name folder
  for argument in "$@"; do
    if [[ $argument =~ ^[0-9]+$ ]]; then seconds=$argument; else wanted=$argument; fi
  done
  PRESET=fuzz
  configure
  local targets
  targets=$(ninja -C build/fuzz -t targets all | sed -n 's/^\([a-z0-9_]*_fuzz\): CXX_EXECUTABLE_LINKER.*/\1/p' | sort)
  for target in $targets; do
    name=${target%_fuzz}
    if [ "$wanted" != all ] && [ "$wanted" != "$name" ] && [ "$wanted" != "$target" ]; then continue; fi
    found=yes
    build_targets "$target"
    folder=build/fuzz/corpus/$name
    mkdir -p "$folder"
    echo "== $name, $seconds s"
    # New inputs go to the build folder; worthwhile ones are copied to tests/fuzz_corpus by hand.
    "$(find build/fuzz -name "$target" -type f -perm -u+x | head -n 1)" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 \
      -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/crash-$name-" "$folder" "tests/fuzz_corpus/$name"
  done
  if [ -z "${found:-}" ]; then
    echo "dev: no fuzz target '$wanted'; there are:" $targets >&2
    return 2
  fi
}

# node_bench NAME [ARGUMENTS]: bench/NAME/NAME.mjs, with real clients and browsers against a server of this build.
node_bench() {
  local name=$1
  shift
  need demo test
  need_node
  local extra=() targets=(tidegate)
  case $name in
    soak) extra=(--out bench/results/soak.json) ;;
    overload)
      extra=(--check "build/$PRESET/ingest_check")
      targets+=(ingest_check)
      ;;
  esac
  build_targets "${targets[@]}" >&2
  "$(node_path)" "bench/$name/$name.mjs" "${extra[@]}" "$@"
}

# bench ingest [--cameras N,N] [--seconds N] [--rounds N]: many cameras into one core. bench store: the archive beside the raw steps.
# bench instructions: what the hot loops execute a packet, counted by callgrind, against a bound each.
# bench joins [--masters N] [--seconds N]: joins a second that one core carries.
# bench playback [--rounds N] [--seconds N]: reading beside nginx and beside the codecs alone.
# bench kept_sound: rendering sound beside finding it on disk.
# bench fanout [--viewers N] [--seconds N] [--rounds N] [--feedback]: one source to many viewers, beside a raw loop.
# bench impairments [--write] [WORD]: recording over bad networks in virtual time, as a table.
# bench soak [--minutes N]: twenty minutes of real sessions: does anything grow, does anything get lost?
# bench storm [--cameras N] [--rate N]: cameras that all come back at once, beside five that record.
# bench wall [--cameras N] [--seconds N]: the console's wall over many cameras that record: frames, and the server's CPU.
# bench overload [--cameras N] [--deaf N] [--seconds N] [--double]: a server with half of the processor time that its cameras need, or
# with just enough of it when their bit rates double.
# Otherwise the benchmarks of bench/.
bench_verb() {
  if [ "${1:-}" = ingest ]; then
    shift
    need demo bench
    build_targets tidegate ingest_raw_receive ingest_raw_send ingest_check >&2
    python3 bench/ingest/ingest.py --build "build/$PRESET" "$@"
    return
  fi
  if [ "${1:-}" = instructions ]; then
    need test
    build_targets record_path_bench packet_path_bench >&2
    python3 bench/instructions.py --build "build/$PRESET"
    return
  fi
  if [ "${1:-}" = joins ]; then
    shift
    need demo bench
    build_targets tidegate joins >&2
    python3 bench/joins/joins.py --build "build/$PRESET" "$@"
    return
  fi
  if [ "${1:-}" = store ]; then
    shift
    build_targets store_steps >&2
    python3 bench/store/store.py --program "build/$PRESET/store_steps" "$@"
    return
  fi
  if [ "${1:-}" = playback ]; then
    shift
    need demo bench
    build_targets tidegate sound_steps >&2
    python3 bench/playback/playback.py --tidegate "build/$PRESET/tidegate" --steps "build/$PRESET/sound_steps" "$@"
    return
  fi
  if [ "${1:-}" = kept_sound ]; then
    need demo bench
    build_targets kept_sound_steps >&2
    local folder
    folder=$(mktemp -d -p "build/$PRESET")
    # Three tones and noise: nothing that an encoder finds easy.
    ffmpeg -v error -f lavfi -i "aevalsrc=0.2*sin(500*t*t)+0.1*sin(2000*t)+0.05*(random(0)-0.5)|0.2*sin(480*t*t)+0.05*(random(1)-0.5):d=240:s=48000" \
      -c:a libopus -b:a 64k "$folder/sound.opus"
    "build/$PRESET/kept_sound_steps" "$folder/sound.opus" "$folder/cache"
    rm -r "$folder"
    return
  fi
  if [ "${1:-}" = fanout ]; then
    shift
    build_targets fanout >&2
    "build/$PRESET/fanout" "$@"
    return
  fi
  if [ "${1:-}" = aac ]; then
    shift
    need demo bench
    build_targets aac_compare >&2
    bench/aac/aac.sh "build/$PRESET/aac_compare" "$@"
    return
  fi
  case ${1:-} in
    soak | storm | wall | overload)
      node_bench "$@"
      return
      ;;
  esac
  if [ "${1:-}" = impairments ]; then
    shift
    need demo
    build_targets impairments_matrix >&2
    "build/$PRESET/impairments_matrix" "$@"
    return
  fi
  build_targets bench
  local program
  for program in $(find "build/$PRESET" -name '*_bench' -type f -perm -u+x | sort); do
    echo "== $(basename "$program")"
    "$program" ${1:+--benchmark_filter="$1"}
  done
}
