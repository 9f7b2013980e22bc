#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The MPIJob manifest: it parses, uses the fields of mpi-operator's v2beta1 API, and agrees with itself. No cluster is asked.
set -euo pipefail
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
manifest=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/scripts/kubernetes/mpijob.yaml
python3 -c 'import yaml' 2>/dev/null || skip "python3 has no yaml (Debian: python3-yaml)"

cat >"$scratch/check.py" <<'EOF_PY'
import re, sys, yaml

claim, job = yaml.safe_load_all(open(sys.argv[1]))
assert claim["kind"] == "PersistentVolumeClaim" and claim["apiVersion"] == "v1"
assert job["kind"] == "MPIJob" and job["apiVersion"] == "kubeflow.org/v2beta1"

def only(tree, known, place):
    extra = set(tree) - set(known.split())
    assert not extra, f"{place}: the API has no {extra}"

spec = job["spec"]
only(spec, "slotsPerWorker runLauncherAsWorker runPolicy mpiReplicaSpecs sshAuthMountPath launcherCreationPolicy mpiImplementation", "spec")
only(spec["runPolicy"], "cleanPodPolicy ttlSecondsAfterFinished activeDeadlineSeconds backoffLimit schedulingPolicy suspend managedBy", "runPolicy")
only(spec["mpiReplicaSpecs"], "Launcher Worker", "mpiReplicaSpecs")
assert spec["runPolicy"]["cleanPodPolicy"] in ("None", "Running", "All")
assert spec["mpiImplementation"] in ("OpenMPI", "Intel", "MPICH")
for name, replica in spec["mpiReplicaSpecs"].items():
    only(replica, "replicas restartPolicy template", name)
    pod = replica["template"]["spec"]
    only(pod, "securityContext affinity tolerations containers volumes", name)
    (container,) = pod["containers"]
    only(container, "name image securityContext command args resources volumeMounts", name)
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert all(mount["name"] in volumes for mount in container["volumeMounts"]), name
    assert volumes["results"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert "cpu" not in container["resources"].get("limits", {}), "a CPU limit stops threads"

launcher = spec["mpiReplicaSpecs"]["Launcher"]["template"]["spec"]["containers"][0]
workers = spec["mpiReplicaSpecs"]["Worker"]
worker = workers["template"]["spec"]["containers"][0]
assert spec["mpiReplicaSpecs"]["Launcher"]["replicas"] == 1
assert launcher["image"] == worker["image"]
assert launcher["securityContext"]["runAsUser"] == worker["securityContext"]["runAsUser"] != 0
shm = {v["name"]: v for v in workers["template"]["spec"]["volumes"]}["shm"]
assert shm["emptyDir"]["medium"] == "Memory"
assert {m["name"]: m["mountPath"] for m in worker["volumeMounts"]} == {"shm": "/dev/shm", "results": "/results"}
assert worker["resources"]["limits"]["nvidia.com/gpu"] == spec["slotsPerWorker"]
script = "\n".join(launcher["args"])
assert int(re.search(r"-np (\d+)", script)[1]) == workers["replicas"] * spec["slotsPerWorker"]
labels = workers["template"]["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
assert labels["labelSelector"]["matchLabels"]["training.kubeflow.org/job-name"] == job["metadata"]["name"]
print("\n".join(re.findall(r"bin/maru (\w+)", script)))
EOF_PY
expect_exit 0 python3 "$scratch/check.py" "$manifest"
[ "$(tr '\n' ' ' <"$out")" = 'doctor run ' ] || fail "the launcher does not start the doctor and then the run"
while read -r command; do
  expect_exit 0 "$MARU" "$command" --help
done <"$scratch/1.out"
