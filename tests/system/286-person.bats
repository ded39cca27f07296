#!/usr/bin/env bats
# 286-person: the terminal as a person uses it, key by key, in tmux: line editing, history, Ctrl-C, Ctrl-Z and fg, Ctrl-D, full-screen programs, resizing, detaching,
# attaching twice, a window that is closed, and the host's terminal as it was.
# root: yes

load helpers
load tmux

setup_file() {
  basic_setup_file
  fixture_image box --change 'ENV PS1="box# "'
}
setup() {
  screen_setup
  screen_open one 24x80
}
teardown() {
  screen_teardown
  basic_teardown
}
status_of() { coracle inspect -f '{{.State.Status}}' "$1" 2>/dev/null; }
is_status() { [ "$(status_of "$1")" = "$2" ]; }
# runs COMMAND: for wait_for: in the newest container the shell has begun it, and so the keys that follow are its
runs() { grep -qE "^$1 *$" <<<"$(coracle top -l args 2>/dev/null)"; }
# at_prompt WINDOW: for wait_for, after an attach: Enter, until the container's shell answers
at_prompt() {
  press "$1" Enter
  sleep 0.2
  [ "$(screen "$1" | sed '/^ *$/d' | tail -n 1 | sed 's/ *$//')" = 'box#' ]
}
# asks WINDOW TEXT: the shell there prints "mark N: TEXT.". What was typed before is answered then, none of it is on its way
marks=0
asks() {
  marks=$((marks + 1))
  type "$1" "echo \"mark \$(($marks + 0)): $2.\""
  shows "$1" $'\n'"mark $marks: "
  shows_last "$1" 'box#'
}
# attached WINDOW: after an attach: the container's shell answers, and there is no Enter that it has not seen
attached() {
  wait_for 20 at_prompt "$1"
  asks "$1" here
}
# sized WINDOW SIZE: the shell's terminal is told of a new size a moment after the window has it
sized() {
  local end=$((SECONDS + 20))
  while :; do
    asks "$1" '$(stty size)' || return 1
    [[ $(screen "$1") != *$'\n'"mark $marks: $2."* ]] || return 0
    [ "$SECONDS" -lt "$end" ] || fail "$1 is not $2" "$(screen "$1")" || return 1
  done
}
# still WINDOW: for wait_for: nothing changes on the screen for a second
still() {
  local before
  before=$(screen "$1")
  sleep 1
  [ "$(screen "$1")" = "$before" ]
}
differs() { [ "$(screen "$1")" != "$2" ]; }
# settings WINDOW FILE: the host terminal's, as a text
settings() {
  type "$1" "stty -a >$TEST_STORE/$2; echo set-$2"
  shows "$1" "set-$2"
  wait_for 20 test -s "$TEST_STORE/$2"
}

@test "a person: line editing: arrows, Ctrl-A, Ctrl-E, Ctrl-W, Ctrl-U, backspace, history, completion" {
  settings one before
  type one 'coracle run -it --rm --name p box sh'
  shows_last one 'box#'
  # the word in the middle is mended with the arrows
  write one 'echo abd'
  press one Left
  write one c
  press one Enter
  shows one $'\nabcd\n'
  # to the start of the line, to its end
  write one 'two'
  press one C-a
  write one 'echo one '
  press one C-e
  write one ' three'
  press one Enter
  shows one $'\none two three\n'
  # a word taken back, a whole line taken back, a letter taken back
  write one 'echo kept lost'
  press one C-w
  press one Enter
  shows one $'\nkept\n'
  write one 'rm -rf /never'
  press one C-u
  type one 'echo saved'
  shows one $'\nsaved\n'
  write one 'echo fingersx'
  press one BSpace
  press one Enter
  shows one $'\nfingers\n'
  # again what was before, and search in it
  wipe one
  press one Up Enter
  shows one $'\nfingers\n'
  wipe one
  press one C-r
  write one 'kept'
  press one Enter
  shows one 'kept'
  wipe one
  # completion of a path in the container
  write one 'ls -d /etc/passw'
  press one Tab
  shows one 'ls -d /etc/passwd'
  press one Enter
  shows one $'\n/etc/passwd\n'
  # a line longer than the screen is wide
  wipe one
  write one "echo $(printf 'x%.0s' {1..100})"
  press one C-a
  press one C-k
  write one 'echo short'
  press one Enter
  shows one $'\nshort\n'
  # letters of two and three bytes
  type one 'echo grüße €'
  shows one $'\ngrüße €\n'
  type one 'exit 5'
  shows_last one 'host$'
  type one 'echo "left with $?"'
  shows one 'left with 5'
  settings one after
  is "$(cat "$TEST_STORE/after")" "$(cat "$TEST_STORE/before")" "the host's terminal"
  no_leaks
}

@test "a person: Ctrl-C ends the command, not the shell; Ctrl-\\ too; Ctrl-D ends the shell" {
  type one 'coracle run -it --rm box sh'
  shows_last one 'box#'
  type one 'sleep 1000'
  wait_for 20 runs 'sleep 1000'
  press one C-c
  shows one '^C'
  shows_last one 'box#'
  type one 'echo "was $?"'
  shows one 'was 130'
  type one 'sleep 1000'
  wait_for 20 runs 'sleep 1000'
  press one 'C-\'
  shows one '^\'
  shows_last one 'box#'
  type one 'echo "then $?"'
  shows one 'then 131'
  # a line that is not wanted
  write one 'echo never'
  press one C-c
  shows_last one 'box#'
  press one C-d
  shows_last one 'host$'
  type one 'echo "status $?"'
  shell_ended() { [[ $(screen one) =~ $'\n'status\ (0|130|131)$'\n' ]]; }
  wait_for 20 shell_ended
  no_leaks
}

@test "a person: Ctrl-Z stops the job in the container, bg and fg go on with it; the host's shell has no job" {
  type one 'coracle run -it --rm box sh'
  shows_last one 'box#'
  type one 'cat'
  wait_for 20 runs cat
  press one C-z
  shows one 'Stopped'
  shows_last one 'box#'
  wipe one
  type one 'jobs'
  shows one 'cat'
  type one 'fg'
  # its own line, and that of the job which it names
  shows one $'fg\ncat'
  type one 'hello again'
  shows one $'hello again\nhello again'
  press one C-d
  shows_last one 'box#'
  wipe one
  type one 'sleep 1000'
  wait_for 20 runs 'sleep 1000'
  press one C-z
  shows one 'Stopped'
  type one 'bg; kill %1; wait; echo "gone"'
  shows one $'\ngone'
  type one 'exit'
  shows_last one 'host$'
  wipe one
  type one 'jobs; echo "no jobs above"'
  shows one $'\nno jobs above'
  not_like "$(screen one)" 'Stopped|coracle'
  no_leaks
}

@test "a person: Ctrl-S holds the output, Ctrl-Q lets it go on" {
  type one 'coracle run -it --rm box sh'
  shows_last one 'box#'
  # in a shell of its own: one that reads lines loses a Ctrl-C that comes while it is starting a command
  type one "sh -c 'i=0; while [ \$i -lt 100000 ]; do i=\$((i + 1)); echo \"line \$i\"; sleep 0.05; done'"
  shows one 'line 5'
  press one C-s
  wait_for 20 still one
  local before
  before=$(screen one)
  press one C-q
  wait_for 20 differs one "$before"
  press one C-c
  shows_last one 'box#'
  type one exit
  shows_last one 'host$'
  no_leaks
}

@test "a person: the window is resized: the shell knows, a full-screen program redraws" {
  type one 'coracle run -it --rm --name p box sh'
  shows_last one 'box#'
  sized one '24 80'
  screen_size one 40x120
  wipe one
  sized one '40 120'
  # vi: what is written there is saved; the screen is redrawn at the new size
  type one 'vi /tmp/note'
  shows one '~'
  write one 'ithe first line'
  press one Enter
  write one 'the second line'
  press one Escape
  # a key that comes at once would make a sequence with it
  sleep 1
  shows one 'the second line'
  screen_size one 12x60
  press one C-l
  shows one '~'
  is "$(screen one | wc -l)" 12
  write one ':wq'
  press one Enter
  shows_last one 'box#'
  wipe one
  type one 'cat /tmp/note; stty size'
  shows one $'the first line\nthe second line'
  shows one '12 60'
  # top: it takes the whole screen, and q leaves it
  type one 'top'
  shows one 'Mem:'
  screen_size one 30x100
  press one q
  shows_last one 'box#'
  sized one '30 100'
  type one 'exit'
  shows_last one 'host$'
  no_leaks
}

@test "a person: detach with ctrl-p,ctrl-q, look around, attach again; the terminal on the host is as before" {
  settings one before
  type one 'coracle run -it --name p box sh'
  shows_last one 'box#'
  type one 'word=remembered; cd /tmp'
  shows one $'cd /tmp\nbox#'
  press one C-p C-q
  shows_last one 'box# host$'
  is "$(status_of p)" running
  settings one after
  is "$(cat "$TEST_STORE/after")" "$(cat "$TEST_STORE/before")" "the host's terminal"
  wipe one
  # the window has another size when one comes back
  screen_size one 33x77
  type one 'coracle attach p'
  attached one
  sized one '33 77'
  type one 'echo "$word in $PWD"'
  shows one $'\nremembered in /tmp'
  # ctrl-p alone is history, one key later
  wipe one
  press one C-p
  press one Enter
  shows one 'remembered in /tmp'
  press one C-p C-q
  shows_last one 'box# host$'
  # keys of one's own
  wipe one
  type one 'coracle attach --detach-keys ctrl-x,x p'
  attached one
  press one C-x x
  shows_last one 'box# host$'
  run_coracle rm -f -t 0 p
  no_leaks
}

@test "a person: attached twice: both windows see what either types; one leaves, one window is closed, the container goes on" {
  screen_open two 24x80
  screen_open three 24x80
  type one 'coracle run -it --name p box sh'
  shows_last one 'box#'
  type two 'coracle attach p'
  type three 'coracle attach p'
  attached two
  attached three
  type one 'echo "from $((0 + 1))"'
  shows one 'from 1'
  shows two 'from 1'
  shows three 'from 1'
  type two 'echo "from $((1 + 1))"'
  shows one 'from 2'
  shows two 'from 2'
  shows three 'from 2'
  # the keys of one cross those of the other in one line
  write one 'echo to'
  shows two 'echo to'
  write two 'gether'
  shows one 'echo together'
  press one Enter
  shows one $'\ntogether'
  shows two $'\ntogether'
  # the window that was resized last gives the size
  screen_size two 20x70
  sized two '20 70'
  screen_size one 31x91
  sized two '31 91'
  press two C-p C-q
  shows_last two 'box# host$'
  screen_close three
  sleep 0.3
  wipe one
  type one 'echo "still $((1 + 2))"'
  shows one 'still 3'
  not_like "$(screen two)" 'still 3'
  is "$(status_of p)" running
  # the last window is closed: nobody is left, the shell lives
  screen_close one
  sleep 0.3
  is "$(status_of p)" running
  wipe two
  type two 'coracle attach p'
  attached two
  type two 'exit 4'
  shows_last two 'host$'
  type two 'echo "status $?"'
  shows two 'status 4'
  wait_for 20 is_status p exited
  run_coracle rm p
  no_leaks
}

@test "a person: exec -it beside a container: its own editing, Ctrl-C, resizing, leaving with the keys" {
  run_coracle 0 run -d --name p box sleep 1000
  settings one before
  type one 'coracle exec -it p sh'
  shows_last one 'box#'
  write one 'echo abd'
  press one Left
  write one c
  press one Enter
  shows one $'\nabcd\n'
  type one 'sleep 998'
  wait_for 20 runs 'sleep 998'
  press one C-c
  shows_last one 'box#'
  type one 'sleep 999'
  wait_for 20 runs 'sleep 999'
  press one C-z
  shows one 'Stopped'
  type one 'kill %1'
  shows_last one 'box#'
  screen_size one 30x90
  wipe one
  sized one '30 90'
  press one C-p C-q
  shows_last one 'box# host$'
  settings one after
  diff <(sed 's/rows [0-9]*; columns [0-9]*//' "$TEST_STORE/before") <(sed 's/rows [0-9]*; columns [0-9]*//' "$TEST_STORE/after")
  type one 'coracle exec -it p sh -c "exit 9"; echo "status $?"'
  shows one 'status 9'
  run_coracle rm -f -t 0 p
  no_leaks
}

@test "a person: start -ai of a stopped container, and a detached shell entered later" {
  type one 'coracle create -it --name p box sh'
  shows_last one 'host$'
  type one 'coracle start -ai p'
  shows_last one 'box#'
  type one 'echo "alive $((6 * 7))"'
  shows one 'alive 42'
  type one 'exit 3'
  shows_last one 'host$'
  type one 'echo "status $?"'
  shows one 'status 3'
  wipe one
  type one 'coracle start p && coracle attach p'
  attached one
  type one 'exit 0'
  shows_last one 'host$'
  run_coracle rm p
  no_leaks
}

@test "a person: a page of text pasted at once arrives whole and in order" {
  local i
  type one 'coracle run -it --rm box sh'
  shows_last one 'box#'
  type one 'stty -echo; cat >/tmp/page; md5sum </tmp/page; stty echo'
  wait_for 20 runs cat
  for ((i = 1; i <= 300; i++)); do echo "this is line $i of the page that was pasted"; done >"$TEST_STORE/page"
  tm load-buffer "$TEST_STORE/page"
  tm paste-buffer -t one
  press one C-d
  # tmux pastes a line's end as the Enter key, which the terminal turns into a newline again
  shows one "$(md5sum <"$TEST_STORE/page" | cut -d ' ' -f 1)"
  type one 'exit'
  shows_last one 'host$'
  no_leaks
}
