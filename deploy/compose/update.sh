#!/bin/sh
# Updates a running compose stack to the code of this checkout; `update.sh back` goes back to the images before that. No GET fails: new
# containers start beside the old ones, which stop once the new ones are healthy. If a new container does not become healthy, the old one
# stays, and the whole stack goes back.
set -eu
cd "$(dirname "$0")/../.."
services='dogs cats'
apps="gateway $services exporter"
mode=${1:-forward}

fail() { echo "$1" >&2; exit "${2:-1}"; }
compose() { docker compose --profile update "$@"; }
up() { compose up --detach --wait --wait-timeout "${WAIT_SECONDS:-120}" --no-deps --no-build "$@"; }
image_of() { docker inspect --format '{{.Image}}' "$(compose ps --quiet "$1" | head -n 1)"; }

# Keeps the images that run under the tag `previous`, unless all of them are the ones just built.
keep_previous() {
  for app in $apps; do
    [ "$(image_of "$app")" = "$(docker image inspect --format '{{.Id}}' "bun-monitoring-$app")" ] || is_changed=yes
  done
  [ -n "${is_changed:-}" ] || return 0
  for app in $apps; do docker tag "$(image_of "$app")" "bun-monitoring-$app:previous"; done
}

# Changes no tag before it knows that there is an image for each.
go_back() {
  docker image inspect $(printf 'bun-monitoring-%s:previous ' $apps) >/dev/null 2>&1 || fail 'there are no images of before an update'
  for app in $apps; do docker tag "bun-monitoring-$app:previous" "bun-monitoring-$app"; done
}

give_up() {
  echo "$1: a new container did not become healthy" >&2
  [ "$mode" = forward ] || exit 1
  echo 'going back to the images before' >&2
  deploy/compose/update.sh back
  exit 1
}

# Removes all containers of a service except those with the given ids.
keep_only() {
  service=$1; shift
  for id in $(compose ps --all --quiet "$service"); do
    case " $* " in *" $id "*) ;; *) docker rm --force "$id" >/dev/null ;; esac
  done
}

case $mode in forward | back) ;; *) fail "usage: $0 [back]" 2 ;; esac
for app in $apps; do
  [ -n "$(compose ps --quiet "$app")" ] || fail "$app does not run: start the stack with docker compose up --build --detach"
done
case $mode in forward) compose build $apps; keep_previous ;; back) go_back ;; esac

for service in $services; do
  old=$(compose ps --quiet "$service" | tr '\n' ' ')
  running=$(echo "$old" | wc -w)
  echo "$service: starting $running beside the $running that run"
  up --no-recreate --scale "$service=$((2 * running))" "$service" || { keep_only "$service" $old; give_up "$service"; }
  docker stop --time 15 $old >/dev/null
  docker rm $old >/dev/null
done

# The stand-in listens on the port, too, while the gateway is replaced.
stop_standin() { compose rm --stop --force gateway-standin; }
up gateway-standin || { stop_standin; give_up gateway; }
# These are replaced only if their images or settings changed. Without them the stand-in serves on.
up gateway exporter || give_up 'gateway or exporter'
stop_standin
