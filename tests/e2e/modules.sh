#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The program on machines that lack something of an accelerator's: it starts, says in a line what is missing, and the
# host's probes work. MARU_CUDA_MODULES is the folder of the CUDA modules, empty where they are not built.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$scratch"

# needed FILE: the libraries that the dynamic linker must find for it.
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
nvidia='^lib(cuda|cudart|cublas|cublasLt|nccl|cupti|nvperf|nvidia|nvrtc)'

needed "$MARU" >needed.txt
if ! grep -q libc.so needed.txt; then fail "readelf said nothing of $MARU"; fi
if grep -E "$nvidia" needed.txt; then fail "the program itself needs a library of NVIDIA's"; fi

host_probes_work() {
  expect_exit 0 "$@" "$MARU" run gemm --set gemm.sizes=64 --set gemm.dtypes=f32 --out "$scratch/o$((++runs))" --progress none
  expect_json "$scratch/o$runs/report.json" 'len(r["records"]) == 1 and r["records"][0]["status"] == "ok"'
}
runs=0

# Without any module.
mkdir none
expect_exit 0 env MARU_MODULE_PATH="$scratch/none" "$MARU" list
expect_match "$out" 'cuda +not loaded: libmaru_cuda.so is not installed'
host_probes_work env MARU_MODULE_PATH="$scratch/none"
expect_exit 2 env MARU_MODULE_PATH="$scratch/none" "$MARU" run gemm --device cuda --out never
expect_one_line "$err"
expect_match "$err" '--device cuda: libmaru_cuda.so is not installed'
expect_exit 2 "$MARU" run gemm --device abacus --out never
expect_one_line "$err"

# A file that is no module.
mkdir damaged
head -c 4096 /dev/urandom >damaged/libmaru_cuda.so
expect_exit 0 env MARU_MODULE_PATH="$scratch/damaged" "$MARU" list
expect_match "$out" 'cuda +not loaded: .*libmaru_cuda'
host_probes_work env MARU_MODULE_PATH="$scratch/damaged"

if [ -z "${MARU_CUDA_MODULES:-}" ]; then
  echo "the CUDA modules are not built: what they say was not looked at"
  exit 0
fi

for module in "$MARU_CUDA_MODULES"/libmaru_*.so; do
  if needed "$module" | grep -xE 'libcuda\.so.*|libnvidia-ml\.so.*'; then fail "$module must not need the driver"; fi
done

# With the modules, and without a driver. Where there is one, the rest cannot be shown.
if ldconfig -p | grep -q 'libcuda\.so\.1'; then skip "this machine has an NVIDIA driver"; fi
expect_exit 0 "$MARU" list
expect_match "$out" '^  cuda  '
expect_match "$out" 'no device: '
expect_match "$out" 'cuda_cublaslt +cuBLASLt'
host_probes_work env
expect_exit 2 "$MARU" run gemm --device cuda --out never
expect_one_line "$err"
expect_match "$err" 'driver'
expect_exit 0 "$MARU" run transfers --out transfers --progress none
expect_json transfers/report.json 'all(x["status"] == "skipped" and x["reason"] for x in r["records"])'

# With the modules, and without the toolkit's libraries: each module that lacks one names it.
toolkit=$(dirname "$(readlink -f "$(ldd "$MARU_CUDA_MODULES/libmaru_cuda.so" | sed -n 's/.*libcudart[^ ]* => \([^ ]*\) .*/\1/p')")")
if [ "$(id -u)" -ne 0 ] || ! unshare -m true 2>/dev/null; then
  echo "not root: what is said without the toolkit's libraries was not looked at"
  exit 0
fi
expect_exit 0 unshare -m sh -c "mount -t tmpfs none '$toolkit' && exec '$MARU' list"
expect_match "$out" 'cuda +not loaded: libcudart\.so\.[0-9]+: cannot open shared object file'
host_probes_work unshare -m sh -c "mount -t tmpfs none '$toolkit' && exec \"\$@\"" sh
