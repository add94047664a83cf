# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

configure() {
  [ -f "build/$PRESET/build.ninja" ] && return 0
  cmake --preset "$PRESET" >"build-configure.log" 2>&1 || {
    cat build-configure.log >&2
    rm -f build-configure.log
    return 1
  }
  rm -f build-configure.log
}

# build_targets TARGET...: quiet unless it fails.
build_targets() {
  configure
  cmake --build --preset "$PRESET" -j "$JOBS" --target "$@"
}

build_verb() {
  local times=no targets=()
  for argument in "$@"; do
    if [ "$argument" = --times ]; then times=yes; else targets+=("$argument"); fi
  done
  [ ${#targets[@]} -gt 0 ] || targets=(tidegate)
  build_targets "${targets[@]}"
  if [ $times = yes ]; then slowest_units; fi
}

# .ninja_log lines: start ms, end ms, mtime, output, command hash; the last line of an output counts.
slowest_units() {
  echo "slowest units of build/$PRESET (seconds):"
  awk -F'\t' 'NR > 1 { seconds[$4] = ($2 - $1) / 1000 } END { for (unit in seconds) printf "%8.1f  %s\n", seconds[unit], unit }' \
    "build/$PRESET/.ninja_log" | sort -rn | head -n 10
}
