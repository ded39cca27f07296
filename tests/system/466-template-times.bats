#!/usr/bin/env bats
# 466-template-times: in --format a time is Go's time.Time, with its methods; each answer was seen with Podman 5.8.

load helpers

teardown() {
  run_coracle '?' rm -fa -t 0
  basic_teardown
}

# stamp JSON-STRING: the seconds since 1970
stamp() { date -d "$(jq -r . <<<"$1")" +%s; }

@test "template times: of a container: seconds, parts, a layout of one's own" {
  fixture_image box
  local at created
  run_coracle 0 run --name done --net none box true
  run_coracle_out 0 inspect done --format '{{json .Created}}'
  created=$output
  at=$(stamp "$created")
  run_coracle_out 0 inspect done --format '{{.Created.Unix}} {{.Created.UTC.Format "2006-01-02 15:04:05"}} {{.Created.UTC.Year}} {{.Created.UTC.Day}} {{.Created.UTC.Hour}}'
  is "$output" "$at $(date -u -d "@$at" '+%Y-%m-%d %H:%M:%S %Y %-d %-H')"
  run_coracle_out 0 inspect done --format '{{.Created.Format "Mon, 2 Jan 2006"}}|{{.Created.Month}} {{.Created.Weekday}} {{.Created.YearDay}}|{{printf "%02d" .Created.Month}}'
  is "$output" "$(LC_ALL=C date -d "@$at" '+%a, %-d %b %Y|%B %A %-j|%m')"
  run_coracle_out 0 inspect done --format '{{.Created.UnixMilli}} {{.Created.UnixNano}}'
  like "$output" "^${at}[0-9]{3} ${at}[0-9]{9}\$"
  run_coracle_out 0 inspect done --format '{{.Created}}|{{.Created.String}}'
  is "${output%|*}" "${output#*|}" "String is how it prints"
  like "${output%|*}" '^20[0-9-]+ [0-9:.]+ [+-][0-9]{4} [A-Z0-9+-]+$'
  run_coracle_out 0 inspect done --format '{{json (.Created.Format "2006-01-02T15:04:05.999999999Z07:00")}}'
  is "$output" "$created" "in JSON it stays RFC 3339"
  run_coracle_out 0 inspect done --format '{{.State.StartedAt.Unix}} {{.State.FinishedAt.IsZero}} {{.State.FinishedAt.Before .State.StartedAt}} {{.Created.After .State.StartedAt}} {{.Created.Equal .Created.UTC}}'
  like "$output" '^[0-9]+ false false false true$'
  run_coracle_out 0 inspect done --format '{{.State.FinishedAt.Sub .State.StartedAt}} {{(.State.FinishedAt.Sub .State.StartedAt).Nanoseconds}}'
  like "$output" '^[0-9.hmsµ]+ [0-9]+$'
  run_coracle_out 0 inspect done --format '{{$c := .Created}}{{$c.Unix}} {{with .State}}{{if .StartedAt.After $c}}later{{end}}{{end}}'
  is "$output" "$at later"
  run_coracle_out 0 inspect done --format '{{.State}}'
  not_like "$output" '[0-9]T[0-9]' "times within an object print so too"
}

@test "template times: what has not been yet is Go's zero time, wherever the machine is" {
  fixture_image box
  run_coracle 0 create --name new --net none box true
  run_coracle_out 0 inspect new --format '{{.State.StartedAt}} {{.State.StartedAt.Unix}} {{.State.FinishedAt.IsZero}} {{.Created.IsZero}}'
  is "$output" "0001-01-01 00:00:00 +0000 UTC -62135596800 true false"
  TZ=CET-1CEST run_coracle_out 0 inspect new --format '{{.State.StartedAt}}'
  is "$output" "0001-01-01 00:00:00 +0000 UTC"
  TZ=XYZ-5:30 run_coracle_out 0 inspect new --format '{{.Created.Local.Format "-07:00 MST"}} {{.Created.UTC.Format "Z07:00 MST"}}'
  is "$output" "+05:30 XYZ Z UTC"
}

@test "template times: of images, volumes, networks and lists" {
  fixture_image box
  local at
  run_coracle 0 volume create data
  run_coracle 0 network create mesh
  run_coracle 0 create --name new --net none box true
  run_coracle_out 0 image inspect box --format '{{json .Created}} {{.Created.Unix}} {{.Created.Format "2006"}}'
  at=$(stamp "${lines[0]%% *}")
  is "${output#* }" "$at $(date -u -d "@$at" +%Y)" "an image"
  run_coracle_out 0 volume inspect data --format '{{json .CreatedAt}} {{.CreatedAt.Unix}}'
  is "${output#* }" "$(stamp "${output%% *}")" "a volume"
  run_coracle_out 0 network inspect mesh --format '{{json .Created}} {{.Created.Unix}}'
  is "${output#* }" "$(stamp "${output%% *}")" "a network"
  run_coracle_out 0 ps -a --format '{{.Created.Unix}}'
  at=$output
  run_coracle_out 0 inspect new --format '{{.Created.Unix}}'
  is "$output" "$at" "ps"
  run_coracle_out 0 volume ls --format '{{.CreatedAt.Year}} {{.Name}}'
  like "$output" '^20[0-9]{2} data$'
  run_coracle_out 0 network ls --format '{{.Name}} {{.Created.UTC.Year}}'
  like "$output" '(^|'$'\n'')mesh 20[0-9]{2}($|'$'\n'')'
  run_coracle '?' ps -a --format '{{.CreatedAt.Unix}}'
  has "$output" "can't evaluate field Unix in type string" "there it is a string in Podman too"
}

@test "template times: history's are strings, to the second" {
  fixture_image box
  run_coracle_out 0 history box --format '{{.CreatedAt}}'
  like "${lines[0]}" '^[0-9-]+T[0-9:]+(Z|[+-][0-9:]+)$'
  TZ=XYZ-5:30 run_coracle_out 0 history box --human=false --format '{{.CreatedAt}} {{.Created}}'
  like "${lines[0]}" '^[0-9-]+T[0-9:]+\+05:30 [0-9-]+T[0-9:]+Z$'
  run_coracle '?' history box --format '{{.CreatedAt.Unix}}'
  has "$output" "can't evaluate field Unix in type string"
}

@test "template times: a method that is not, or is called otherwise, is refused in Go's words" {
  fixture_image box
  run_coracle 0 create --name new --net none box true
  local format message
  while IFS='|' read -r format message; do
    run_coracle '?' inspect new --format "{{$format}}"
    isnt "$status" 0 "$format"
    has "$output" "executing \"format\" at <" "$format"
    has "$output" "$message" "$format"
  done <<'EOF'
.Created.Foo|<.Created.Foo>: can't evaluate field Foo in type time.Time
.Created.unix|can't evaluate field unix in type time.Time
.Created.Unix.Foo|can't evaluate field Foo in type int64
.Created.Unix 3|wrong number of args for Unix: want 0 got 1
.Created.Format|wrong number of args for Format: want 1 got 0
.Created.Format 3|<3>: expected string; found 3
.Created.Before "x"|<"x">: can't handle "x" for arg of type time.Time
.Created.Date|function Date has 3 return values; should be 1 or 2
len .Created|error calling len: len of type time.Time
EOF
}
