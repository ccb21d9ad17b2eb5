#!/bin/sh
# make real: run the suite on a real kind cluster, MongoDB and OpenSSH hosts, with the Focus Server of the sandbox.
# Needs docker, kind, kubectl and a kind cluster called focus-acceptance (deploy/kind/cluster.yaml), and the MongoDB that
# SANDBOX_MONGODB_URI names. This script has not been run yet: docs/limits.md.
set -eu
cd "$(dirname "$0")/.."
cluster=focus-acceptance
folder=$PWD/reports/real
python=.venv/bin/python
for program in docker kind kubectl ssh-keygen; do
    command -v "$program" >/dev/null || { echo "real: $program is not there" >&2; exit 2; }
done
: "${SANDBOX_MONGODB_URI:?real: names no MongoDB}"

for target in job cleanup; do
    docker build --quiet --target "$target" --tag "focus-acceptance-$target:1" deploy/job
    kind load docker-image "focus-acceptance-$target:1" --name "$cluster"
done
rm -rf "$folder" && mkdir -p "$folder/jump" "$folder/target"
export SANDBOX_KUBECONFIG="$folder/kubeconfig"
kind get kubeconfig --name "$cluster" > "$SANDBOX_KUBECONFIG"
# Use an address that containers can reach, too: engineers reach the API server from the target host.
address=$(docker inspect --format '{{.NetworkSettings.Networks.kind.IPAddress}}' "$cluster-control-plane")
kubectl --kubeconfig "$SANDBOX_KUBECONFIG" config set-cluster "kind-$cluster" --server="https://$address:6443"
kubectl --kubeconfig "$SANDBOX_KUBECONFIG" annotate namespace kube-system focus-acceptance/may-be-used=true --overwrite

# SSH: the jump host accepts a password; the target accepts only a key, and only from within the network of kind.
for host in jump target; do ssh-keygen -q -t ed25519 -N '' -f "$folder/$host/host_key"; done
ssh-keygen -q -t ed25519 -N '' -f "$folder/target_key"
cp "$folder/target_key.pub" "$folder/target/authorized_keys"
$python -c 'import secrets; print(secrets.token_urlsafe(18), end="")' > "$folder/jump/password"
docker build --quiet --tag focus-acceptance-ssh:1 deploy/ssh
started=$(docker run --detach --rm --network kind --hostname panda-sandbox-host --publish 127.0.0.1::22 \
    --volume "$folder/jump:/keys:ro" focus-acceptance-ssh:1 jump)
started="$started $(docker run --detach --rm --network kind --hostname worker-node --network-alias target.sandbox \
    --volume "$folder/target:/keys:ro" --volume "$(command -v kubectl):/usr/local/bin/kubectl:ro" focus-acceptance-ssh:1 target)"
trap 'docker stop $started >/dev/null' EXIT
port=$(docker port "${started%% *}" 22/tcp | head -n 1 | sed 's/.*://')
{
    printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$folder/jump/host_key.pub")"
    printf 'target.sandbox %s\n' "$(cut -d' ' -f1,2 "$folder/target/host_key.pub")"
} > "$folder/known_hosts"
export FOCUS__SSH__KNOWN_HOSTS="$folder/known_hosts"
export FOCUS__SSH__JUMP__PORT="$port" FOCUS__SSH__JUMP__PASSWORD_FILE="$folder/jump/password"
export FOCUS__SSH__TARGET__KEY_FILE="$folder/target_key" FOCUS__SSH__TARGET__HOSTNAME=worker-node
export FOCUS__MONGODB__REPORTS_AS='*'

# Differences from the recordings are only shown. The scenarios judge the cluster and the database.
$python -m tools.compare_cluster --kubeconfig "$SANDBOX_KUBECONFIG" || test $? -eq 1
$python -m tools.compare_mongodb --uri "$SANDBOX_MONGODB_URI" || test $? -eq 1
# IN-05c is left out, because the target has no k9s here.
$python -m behave -D env=cluster --tags='not (@needs_fibre_control or @IN-05c or @wip or @quarantine)'
