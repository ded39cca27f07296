#!/usr/bin/env bats
# 120-hooks: OCI hooks: definitions in folders given by --hooks-dir, each stage of a container's life, the state they read, and what a failing one does.
# root: yes

load helpers

setup_file() {
  basic_setup_file
  fixture_image box
  export HOOKS=$TEST_STORE/hooks
  mkdir "$HOOKS"
  # a hook that notes its stage, its arguments and environment, and the state it was given
  cat >"$HOOKS/note" <<'S'
#!/bin/sh
state=$(cat)
case $state in *'"status":"creating"'*) status=creating ;; *'"status":"running"'*) status=running ;; *'"status":"stopped"'*) status=stopped ;; *) status=other ;; esac
echo "$1 $status ${EXTRA-}" >>"${0%/*}/log"
printf '%s\n' "$state" >"${0%/*}/state.$1"
pid=$(printf '%s' "$state" | sed 's/.*"pid":\([0-9]*\).*/\1/')
readlink "/proc/$pid/ns/net" >"${0%/*}/net.$1" 2>/dev/null
exit 0
S
  printf '#!/bin/sh\necho "$1" >>"${0%%/*}/log"; exit 3\n' >"$HOOKS/fail"
  printf '#!/bin/sh\nsleep 1000\n' >"$HOOKS/slow"
  chmod 755 "$HOOKS/note" "$HOOKS/fail" "$HOOKS/slow"
}

setup() {
  rm -rf "$HOOKS/d" "$HOOKS/d2" "$HOOKS"/log "$HOOKS"/state.* "$HOOKS"/net.*
  mkdir "$HOOKS/d" "$HOOKS/d2"
}

# define FILE PROGRAM STAGE [WHEN [MORE MEMBERS OF THE HOOK]]
define() {
  printf '{"version":"1.0.0","hook":{"path":"%s","args":["x","%s"]%s},"when":%s,"stages":["%s"]}' "$2" "$3" "${5-}" "${4:-{\"always\":true\}}" "$3" >"$HOOKS/$1"
}

@test "hooks: every stage outside of the container, once, in order, with its state" {
  local stage
  for stage in poststop poststart createContainer createRuntime prestart; do define "d/$stage.json" "$HOOKS/note" "$stage" '{"always":true}' ',"env":["EXTRA=e"]'; done
  run_coracle_out 0 --hooks-dir "$HOOKS/d" run --rm --annotation 'mail=a@b @PID@' -v "$HOOKS:/hooks:ro" box sh -c 'until [ -s /hooks/net.poststart ]; do sleep 0.05; done; echo in the container; readlink /proc/self/ns/net'
  has "$output" "in the container" "its output"
  is "$(cat "$HOOKS/log")" $'prestart creating e\ncreateRuntime creating e\ncreateContainer creating e\npoststart running e\npoststop stopped e' "what ran"
  for stage in prestart createRuntime createContainer poststart poststop; do
    like "$(cat "$HOOKS/state.$stage")" '^\{"ociVersion":"1\.[0-9.]+","id":"[0-9a-f]{64}","bundle":"/.*","root":"/.*","annotations":\{.*"mail":"a\\u0040b \\u0040PID\\u0040".*\},"status":"[a-z]+","pid":[0-9]+\}$' "state at $stage"
  done
  is "$(cat "$HOOKS/net.createRuntime")" "$(tail -n 1 <<<"$output")" "the pid leads to the container's network namespace"
  is "$(cat "$HOOKS/net.poststart")" "$(tail -n 1 <<<"$output")" "at poststart too"
  has "$(cat "$HOOKS/state.poststop")" '"pid":0' "no process is left at poststop"
}

@test "hooks: startContainer is a program of the container, with its user and capabilities" {
  define d/a.json /bin/sh startContainer '{"always":true}' ''
  sed -i 's/"args":\[[^]]*\]/"args":["sh","-c","cat >\/tmp\/state; id -u >\/tmp\/id; grep CapEff \/proc\/self\/status >\/tmp\/caps; ls \/proc\/self\/fd | tr -d \\"\\\\n\\" >\/tmp\/fds"]/' "$HOOKS/d/a.json"
  run_coracle_out 0 --hooks-dir "$HOOKS/d" run --rm -u 1000 box cat /tmp/id /tmp/caps /tmp/fds /tmp/state
  like "$output" $'^1000\nCapEff:\t0000000000000000\n0123\\{.*"status":"created"' "what it saw"
}

@test "hooks: a failing hook before the start ends the container, and its poststop hooks run" {
  local stage
  define d2/stop.json "$HOOKS/note" poststop
  for stage in prestart createRuntime createContainer; do
    rm -f "$HOOKS"/d/* "$HOOKS/log"
    define d/a.json "$HOOKS/note" "$stage"
    define d/b.json "$HOOKS/fail" "$stage"
    define d/c.json "$HOOKS/note" "$stage"
    run_coracle '?' --hooks-dir "$HOOKS/d" --hooks-dir "$HOOKS/d2" run --rm --name failing box echo ran
    is "$status" 125 "status"
    has "$output" "$HOOKS/fail: exit status 3" "which and why"
    not_like "$output" "ran$" "output"
    is "$(cut -d ' ' -f 1 "$HOOKS/log" | tr '\n' ' ')" "$stage $stage poststop " "what ran"
    is "$(containers -a)" "" "nothing stays"
  done
  define d/b.json /nonexistent/hook prestart
  run_coracle 125 --hooks-dir "$HOOKS/d" run --rm box true
  has "$output" "/nonexistent/hook" "a hook that is not there"
  rm "$HOOKS"/d/*
  define d/a.json /nonexistent/hook startContainer
  run_coracle 125 --hooks-dir "$HOOKS/d" run --rm box true
  has "$output" "startContainer hook: /nonexistent/hook" "one that is not in the container"
  no_leaks
}

@test "hooks: a failing poststart or poststop hook is only a notice" {
  local stage
  for stage in poststart poststop; do
    rm -f "$HOOKS"/d/*
    define d/a.json "$HOOKS/fail" "$stage"
    define d/b.json "$HOOKS/note" "$stage"
    run_coracle_out 7 --hooks-dir "$HOOKS/d" run --rm box sh -c 'echo ran; exit 7'
    is "$output" "ran" "output with a failing $stage"
    # shellcheck disable=SC2154 # run_coracle_out sets stderr
    has "$stderr" "$HOOKS/fail: exit status 3" "the notice"
    has "$(cat "$HOOKS/log")" "$stage " "the next one ran"
    rm "$HOOKS/log"
  done
}

@test "hooks: a timeout" {
  define d/a.json "$HOOKS/slow" createRuntime '{"always":true}' ',"timeout":1'
  SECONDS=0
  run_coracle 125 --hooks-dir "$HOOKS/d" run --rm box true
  has "$output" "$HOOKS/slow: killed by signal 9" "why"
  [ "$SECONDS" -lt 60 ] || fail "it took $SECONDS s"
}

@test "hooks: a state larger than a pipe, for one that does not read it" {
  local long
  long=$(head -c 100000 /dev/zero | tr '\0' x)
  printf '#!/bin/sh\nsleep 60 <&0 >/dev/null 2>&1 &\nexit 0\n' >"$HOOKS/deaf"
  chmod 755 "$HOOKS/deaf"
  SECONDS=0
  define d/a.json "$HOOKS/deaf" createRuntime
  run_coracle_out 0 --hooks-dir "$HOOKS/d" run --rm --annotation "a=$long" --annotation "b=$long" box echo ran
  is "$output" "ran" "it need not read"
  printf '#!/bin/sh\nexit 0\n' >"$HOOKS/deaf"
  define d/a.json "$HOOKS/deaf" createContainer
  run_coracle_out 0 --hooks-dir "$HOOKS/d" run --rm --pid host --annotation "a=$long" --annotation "b=$long" box echo ran
  is "$output" "ran" "nor does one that has gone end the container's init, which here is no process 1"
  define d/a.json "$HOOKS/slow" createRuntime '{"always":true}' ',"timeout":1'
  run_coracle 125 --hooks-dir "$HOOKS/d" run --rm --annotation "a=$long" --annotation "b=$long" box true
  has "$output" "$HOOKS/slow: killed by signal 9" "but it must end"
  [ "$SECONDS" -lt 40 ] || fail "it took $SECONDS s"
  define d/a.json "$HOOKS/note" createRuntime
  run_coracle 0 --hooks-dir "$HOOKS/d" run --rm --annotation "a=$long" --annotation "b=$long" box true
  has "$(cat "$HOOKS/state.createRuntime")" "\"b\":\"$long\"" "and one that reads gets all"
}

@test "hooks: conditions, and which file counts" {
  define d/10-command.json "$HOOKS/note" prestart '{"commands":["/sh$","^sh"]}'
  define d/20-annotation.json "$HOOKS/fail" prestart '{"annotations":{"^com\\.example$":"^y"}}'
  define d/30-binds.json "$HOOKS/fail" prestart '{"hasBindMounts":true}'
  define d/40-both.json "$HOOKS/fail" prestart '{"always":true,"commands":["nothing like it"]}'
  printf 'not a definition' >"$HOOKS/d/README"
  run_coracle_out 0 --hooks-dir "$HOOKS/d" run --rm box sh -c :
  is "$(cat "$HOOKS/log")" "prestart creating " "the command matched"
  run_coracle_out 0 --hooks-dir "$HOOKS/d" run --rm box true
  is "$(wc -l <"$HOOKS/log")" 1 "and did not"
  run_coracle 125 --hooks-dir "$HOOKS/d" run --rm --annotation com.example=yes box true
  run_coracle 0 --hooks-dir "$HOOKS/d" run --rm --annotation com.example=no box true
  run_coracle 125 --hooks-dir "$HOOKS/d" run --rm -v "$HOOKS:/h" box true
  run_coracle 0 --hooks-dir "$HOOKS/d" run --rm -v named:/h box true
  # a later folder's file of the same name takes its place
  define d2/30-binds.json "$HOOKS/note" prestart '{"hasBindMounts":true}'
  run_coracle 0 --hooks-dir "$HOOKS/d" --hooks-dir "$HOOKS/d2" run --rm -v "$HOOKS:/h" box true
  run_coracle 125 --hooks-dir "$HOOKS/d2" --hooks-dir "$HOOKS/d" run --rm -v "$HOOKS:/h" box true
}

@test "hooks: definitions that cannot be used are errors that name the file" {
  local text
  for text in '{' '[]' '{"version":"2.0.0","hook":{"path":"/x"},"when":{"always":true},"stages":["prestart"]}' '{"version":"1.0.0","when":{"always":true},"stages":["prestart"]}' \
    '{"version":"1.0.0","hook":{"path":"x"},"when":{"always":true},"stages":["prestart"]}' '{"version":"1.0.0","hook":{"path":"/x"},"when":{},"stages":["prestart"]}' \
    '{"version":"1.0.0","hook":{"path":"/x"},"when":{"always":true},"stages":["later"]}' '{"version":"1.0.0","hook":{"path":"/x"},"when":{"always":true},"stages":[]}' \
    '{"version":"1.0.0","hook":{"path":"/x"},"when":{"always":true},"stages":["precreate"]}' '{"version":"1.0.0","hook":{"path":"/x"},"when":{"commands":["["]},"stages":["prestart"]}' \
    '{"version":"1.0.0","hook":{"path":"/x","timeout":0},"when":{"always":true},"stages":["prestart"]}'; do
    printf '%s' "$text" >"$HOOKS/d/bad.json"
    run_coracle 125 --hooks-dir "$HOOKS/d" run --rm box echo ran
    has "$output" "bad.json" "the message for $text"
  done
  is "$(containers -a)" "" "nothing stays"
  run_coracle 0 --hooks-dir "$HOOKS/missing" run --rm box true
}

@test "hooks: containers.conf names folders, and --hooks-dir takes their place" {
  define d/a.json "$HOOKS/note" prestart
  mkdir -p "$XDG_CONFIG_HOME/containers"
  printf '[engine]\nhooks_dir = ["%s/d"]\n' "$HOOKS" >"$TEST_STORE/containers.conf"
  CONTAINERS_CONF=$TEST_STORE/containers.conf run_coracle 0 run --rm box true
  is "$(cat "$HOOKS/log")" "prestart creating " "what ran"
  CONTAINERS_CONF=$TEST_STORE/containers.conf run_coracle 0 --hooks-dir "$HOOKS/d2" run --rm box true
  is "$(wc -l <"$HOOKS/log")" 1 "and did not"
}

@test "hooks: the schema without a version" {
  printf '{"hook":"%s/note","arguments":["old"],"stages":["prestart"],"cmds":["^true$"]}' "$HOOKS" >"$HOOKS/d/old.json"
  run_coracle 0 --hooks-dir "$HOOKS/d" run --rm box true
  run_coracle 1 --hooks-dir "$HOOKS/d" run --rm box false
  is "$(cat "$HOOKS/log")" "old creating " "it ran once"
}

@test "hooks: poststop runs by the monitor's hand when the command is gone" {
  define d/a.json "$HOOKS/note" poststop
  "$CORACLE" --hooks-dir "$HOOKS/d" run --rm --name orphan -v "$HOOKS:/hooks:ro" box sh -c 'until [ -e /hooks/end ]; do sleep 0.1; done' </dev/null >/dev/null 2>&1 &
  local client=$!
  wait_for 30 some_run
  kill -KILL "$client"
  wait "$client" 2>/dev/null || true
  : >"$HOOKS/end"
  wait_for 30 none_run
  wait_for 30 test -s "$HOOKS/log"
  is "$(cat "$HOOKS/log")" "poststop stopped " "what ran"
  run_coracle 0 run --rm box true
  no_leaks
}
