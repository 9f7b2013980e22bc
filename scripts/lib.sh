# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share; sourced, with the strict options already set. Leaves the caller in the project's root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

say() { printf '%s\n' "$*"; }
die() {
  printf '%s\n' "$*" >&2
  exit 3
}

# phase TEXT LOG COMMAND…: one line with the seconds it took; the output goes to LOG and is shown only on failure.
phase() {
  local text=$1 log=$2 start=$SECONDS status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  printf '%-34s ' "$text"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    say "failed after $((SECONDS - start)) s"
    tail -n 60 "$log" >&2
    die "$text failed with exit code $status; the whole output is in $log"
  fi
  say "$((SECONDS - start)) s"
}

# as_root COMMAND…: as root, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo -- "$@"
  else
    return 126
  fi
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
is_known() { [[ $(apt-cache policy "$1" 2>/dev/null) =~ Candidate:\ [^\(] ]]; }

# missing_of ENTRY: nothing when one of its alternatives is installed, else the entry.
missing_of() {
  local name
  for name in $(tr '|' ' ' <<<"${1%\?}"); do
    if is_installed "$name"; then return; fi
  done
  printf '%s\n' "$1"
}

# choice_of ENTRY: the first alternative that apt knows; empty when it knows none.
choice_of() {
  local name
  for name in $(tr '|' ' ' <<<"${1%\?}"); do
    if is_known "$name"; then
      printf '%s\n' "$name"
      return
    fi
  done
}

# install_packages PURPOSE…: installs what is missing of build, test, lint or fuzz (scripts/packages), and nothing else.
install_packages() {
  local purpose list entry name start=$SECONDS
  local missing=() chosen=() unknown=()
  if ! command -v dpkg-query >/dev/null 2>&1; then
    say "packages: this is no Debian or Ubuntu; docs/dependencies.md lists what the build needs"
    return
  fi
  # shellcheck source=scripts/packages
  . "$root/scripts/packages"
  for purpose in "$@"; do
    list="packages_$purpose"
    [ -n "${!list-}" ] || die "unknown purpose of packages: $purpose"
    for entry in ${!list}; do
      name=$(missing_of "$entry")
      if [ -n "$name" ]; then missing+=("$name"); fi
    done
  done
  # An optional package that the system has never heard of is no reason to ask the network each time.
  if [ ${#missing[@]} -eq 0 ] || only_unknown_options "${missing[@]}"; then
    say "packages ($*): nothing missing"
    return
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
    die "packages are missing (${missing[*]}) and installing them needs root or sudo"
  fi
  say "packages ($*): ${missing[*]}"
  # One source out of reach is no reason to stop: what is needed may well be in the others.
  phase "  apt-get update" build/logs/apt-update.log \
    as_root sh -c 'apt-get -o DPkg::Lock::Timeout=300 update || echo "went on with the lists that there are"'
  for entry in "${missing[@]}"; do
    name=$(choice_of "$entry")
    if [ -n "$name" ]; then
      chosen+=("$name")
    elif [ "${entry%\?}" = "$entry" ]; then
      unknown+=("$entry")
    fi
  done
  if [ ${#unknown[@]} -ne 0 ]; then
    die "this system's package sources do not have: ${unknown[*]} (docs/dependencies.md says what to do)"
  fi
  if [ ${#chosen[@]} -ne 0 ]; then
    phase "  apt-get install" build/logs/apt-install.log \
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y \
      --no-install-recommends "${chosen[@]}"
  fi
  say "packages ($*): ready after $((SECONDS - start)) s"
}

only_unknown_options() {
  local entry
  [ -n "$(apt-cache pkgnames cmake 2>/dev/null | head -n 1)" ] || return 1 # no lists yet: nothing is known of anything
  for entry in "$@"; do
    if [ "${entry%\?}" = "$entry" ] || [ -n "$(choice_of "$entry")" ]; then return 1; fi
  done
}

# drop_foreign_tree TREE: a build tree that was configured for another place cannot be used here; start it afresh.
drop_foreign_tree() {
  local cache=$1/CMakeCache.txt
  local home
  [ -f "$cache" ] || return 0
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
  if ! [ "$home" -ef "$root" ]; then rm -rf "$1"; fi
}

# The cores that may be used here, hardware threads not counted: what mpirun takes for its slots.
usable_cores() {
  local cores threads
  threads=$(nproc)
  cores=$(lscpu -p=CORE 2>/dev/null | grep -v '^#' | sort -u | wc -l)
  if [ "$cores" -lt 1 ] || [ "$threads" -lt "$cores" ]; then cores=$threads; fi
  printf '%s\n' "$cores"
}

# Open MPI refuses to run as root unless told twice; in a container there is often nobody else.
allow_mpi_as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}

# Our own files, each ended by a zero byte: tracked or new, never what git ignores; by folder where there is no git.
list_files() {
  if [ -e .git ] && command -v git >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard
  else
    find . \( -path ./build -o -path ./out \) -prune -o -type f -print0 | sed -z 's|^\./||'
  fi
}
list_sources() { list_files | grep -zE '\.(hpp|cpp|cu|cuh)$' | sort -z; }
list_scripts() {
  list_files | grep -zE '^(scripts|\.ci|tests)/' | while IFS= read -r -d '' file; do
    if [ -f "$file" ] && head -n 1 "$file" | grep -qE '^#!.*sh$|shellcheck shell='; then printf '%s\0' "$file"; fi
  done
  printf 'scripts/lib.sh\0scripts/packages\0'
}
