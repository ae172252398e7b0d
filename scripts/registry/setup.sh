# Functions and preparations of scripts/test-registry, which sources this file: a registry on loopback,
# a clone of this checkout, and images of the clone's commit.
# shellcheck shell=bash

# The caller sets these.
: "${root:?}"

missing=()
for tool in docker-registry skopeo; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "not installed: ${missing[*]}; on Debian and Ubuntu: apt-get install ${missing[*]}"
  fi
  { apt-get update -q && apt-get install -yq --no-install-recommends "${missing[@]}"; } >&2
  # Where systemd runs, the package starts a registry on port 5000 of every address.
  case "${missing[*]}" in
    docker-registry*) systemctl disable --now docker-registry >/dev/null 2>&1 || true ;;
  esac
fi

work=$(mktemp -d)
servers=()
mine=registry-test-$$
addresses=()
finish() {
  for server in "${servers[@]}"; do
    kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true
  done
  for name in "$mine" "${addresses[@]}"; do
    docker images --format '{{.Repository}}:{{.Tag}}' --filter "reference=$name/*" --filter "reference=$name/*/*" |
      xargs -r docker image rm --force >/dev/null 2>&1 || true
  done
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

start_registry() { # NAME MORE-SETTINGS; leaves its address in $address
  local log=$work/$1.log settings=$work/$1.yml
  # Port 0 stands for any free port; the log names it.
  cat >"$settings" <<END
version: 0.1
log: { level: info }
storage:
  filesystem: { rootdirectory: $work/$1 }
http: { addr: "127.0.0.1:0" }
$2
END
  : >"$log"
  docker-registry serve "$settings" >>"$log" 2>&1 &
  servers+=($!)
  for _ in $(seq 100); do
    address=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$log")
    [ -z "$address" ] || break
    kill -0 "${servers[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$address" ] || { tail -20 "$log" >&2; fail "docker-registry did not start"; }
  addresses+=("$address")
}

passed=0 failed=0
check() { # NAME COMMAND...
  if "${@:2}"; then
    passed=$((passed + 1)); echo "ok    $1"
  else
    failed=$((failed + 1)); echo "FAIL  $1"; sed 's/^/      /' "$work/output"
  fi
}
# Runs the clone's push-images; leaves its exit code in $code and its output in $work/output.
push() {
  code=0
  "$work/clone/scripts/push-images" "$@" >"$work/output" 2>&1 || code=$?
}
code_is() { [ "$code" = "$1" ]; }
says() { grep -qF -- "$1" "$work/output"; }
refuses() { code_is 1 && says "$1"; } # TEXT
same() { [ "$1" = "$2" ] || { echo "found $1, expected $2" >"$work/output"; return 1; }; }
nothing_at() { ! skopeo list-tags --tls-verify=false "docker://$1" >/dev/null 2>&1; }
written() { grep -c '"PUT /v2/.*/manifests/' "$work/open.log" || true; }

# The clone has this checkout's commit, and the uncommitted state of the files that are tested here.
git clone --quiet --depth 1 "file://$root" "$work/clone" 2>/dev/null
cp scripts/push-images "$work/clone/scripts/"
cp docker/Dockerfile "$work/clone/docker/"
author=(-c user.name=test -c user.email=test@localhost)
in_clone() { git -C "$work/clone" "${author[@]}" "$@"; }
if [ -n "$(in_clone status --porcelain)" ]; then
  in_clone add --all
  in_clone commit --quiet --message 'uncommitted changes'
fi
commit=$(in_clone rev-parse HEAD)
tag=${commit:0:12}
mapfile -t steps < <(sed -n 's/^FROM labelled AS //p' docker/Dockerfile)

# Newer engines would otherwise wrap each image in an index with attestations.
export BUILDX_NO_DEFAULT_ATTESTATIONS=1
stand_in() { # STEP CONTENT
  mkdir -p "$work/trees/$1/usr/local/bin"
  echo "$2" >"$work/trees/$1/usr/local/bin/$1"
  docker build --quiet --file docker/Dockerfile --target "$1" --build-arg "REVISION=$commit" \
    --tag "$mine/$1:$tag" "$work/trees" >/dev/null
}
revision() { docker image inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$1" 2>/dev/null || true; }
built=true
for step in "${steps[@]}"; do
  [ "$(revision "machine-downtime/$step:$tag")" = "$commit" ] || built=false
done
for step in "${steps[@]}"; do
  if [ "$built" = true ]; then
    docker tag "machine-downtime/$step:$tag" "$mine/$step:$tag"
  else
    stand_in "$step" "$step"
  fi
done
[ "$built" = true ] && echo "images of scripts/build-images, $tag" || echo "stand-ins, $tag"
