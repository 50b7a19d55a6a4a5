#!/bin/sh
# Updates a running compose stack to the code of this checkout. New containers of dogs and cats start beside the old ones, which stop
# once the new ones are healthy, so no request fails. Only one container can have the gateway's port: a new gateway takes over after
# the old one has stopped. To go back, check out the older code and run this again.
set -eu
cd "$(dirname "$0")/../.."
compose() { docker compose ${PROJECT:+--project-name "$PROJECT"} "$@"; }

compose build
for service in cats dogs; do
  old=$(compose ps --quiet "$service")
  running=$(echo "$old" | wc -l)
  echo "$service: starting $running beside the $running that run"
  compose up --detach --wait --no-deps --no-recreate --scale "$service=$((2 * running))" "$service"
  # The ids are separate words.
  docker stop --time 15 $old >/dev/null
  docker rm $old >/dev/null
done
# These are replaced only if their images or settings changed.
compose up --detach --wait exporter gateway
