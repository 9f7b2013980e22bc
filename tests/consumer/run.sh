#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD_TREE REPORT: installs the tree for a moment, then configures, builds and runs the consumer against it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$1
report=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$tree" --prefix "$scratch/pre fix" >"$scratch/install.log" || { cat "$scratch/install.log" >&2 && exit 1; }
# The consumer needs the flags of the tree: static libraries built for a sanitizer ask for its runtime.
flags=$(sed -n 's/^CMAKE_CXX_FLAGS_DEBUG:[A-Z]*=//p' "$tree/CMakeCache.txt")
cmake -S "$here" -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=$flags" \
  "-DCMAKE_PREFIX_PATH=$scratch/pre fix"
cmake --build "$scratch/build"
"$scratch/build/consumer" "$report" | tee "$scratch/out.txt"
grep -q ': [1-9][0-9]* records$' "$scratch/out.txt"
grep -q ': duration [0-9]' "$scratch/out.txt"
"$scratch/pre fix/bin/maru" --version

# A moved installation must work too: no path of this machine may be written into it.
if grep -rIl --include='*.cmake' "$scratch" "$scratch/pre fix/lib"; then
  echo "the installed package names the place it was installed to" >&2
  exit 1
fi
