# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

demo_verb() {
  build_targets tidegate >&2
  exec python3 tools/demo.py --tidegate "build/$PRESET/tidegate" "$@"
}
