# tmux: a terminal as a person has it before him: windows of a given size with a shell in them, keys pressed, and what is then on the screen. A file that loads this
# has a setup that calls screen_setup and a teardown that calls screen_teardown.
#
#   screen_open one 24x80            a window, with the host's shell ("host$ " is its prompt) in it
#   type one 'coracle run …'         as text, and Enter
#   press one C-c Up …               keys, by tmux's names
#   shows one 'text' [SECONDS]       wait until the screen has it (fixed text)
#   screen one                       print the screen

screen_setup() {
  needs tmux bash
  # a server per test: the last one may still be ending
  tmux_socket=$TEST_STORE/tmux.${BATS_TEST_NUMBER:-0}
  # the command as everybody calls it
  mkdir -p "$TEST_STORE/path"
  [ -e "$TEST_STORE/path/coracle" ] || printf '#!/bin/sh\nexec "%s" "$@"\n' "$(command -v "$CORACLE")" >"$TEST_STORE/path/coracle"
  chmod 755 "$TEST_STORE/path/coracle"
  cat >"$TEST_STORE/bashrc" <<'RC'
PS1='host$ '
unset HISTFILE
RC
}

screen_teardown() {
  [ ! -S "${tmux_socket-}" ] || tm kill-server 2>/dev/null || true
}

# the window's bash gets no descriptor of bats
tm() { TMUX='' tmux -S "$tmux_socket" -f /dev/null "$@" 3>&- 4>&-; }

screen_open() { # NAME ROWSxCOLUMNS
  local rows=${2%x*} columns=${2#*x}
  TERM=screen PATH=$TEST_STORE/path:$PATH tm new-session -d -s "$1" -x "$columns" -y "$rows" "exec bash --noprofile --rcfile '$TEST_STORE/bashrc' -i"
  tm set-option -g status off >/dev/null
  screen_size "$1" "$2"
  shows "$1" 'host$'
}

screen_size() { # NAME ROWSxCOLUMNS
  tm resize-window -t "$1" -x "${2#*x}" -y "${2%x*}"
}

screen_close() { tm kill-session -t "$1"; } # as closing the window does: SIGHUP

press() {
  local window=$1
  shift
  tm send-keys -t "$window" "$@"
}

type() { # WINDOW TEXT: and Enter
  tm send-keys -t "$1" -l -- "$2"
  tm send-keys -t "$1" Enter
}

write() { tm send-keys -t "$1" -l -- "$2"; } # WINDOW TEXT: without Enter

screen() { tm capture-pane -p -t "$1"; }

shows() { # WINDOW TEXT [SECONDS]
  local end=$((SECONDS + ${3:-30})) now
  while :; do
    now=$(screen "$1")
    [[ $now != *"$2"* ]] || return 0
    if [ "$SECONDS" -ge "$end" ]; then
      fail "the screen of $1 never showed: $2" "$now"
      return 1
    fi
    sleep 0.05
  done
}

# shows_last WINDOW TEXT: the last line of the screen that is not empty is TEXT: what the person looks at.
shows_last() {
  local end=$((SECONDS + 30)) now
  while :; do
    now=$(screen "$1" | sed '/^ *$/d' | tail -n 1 | sed 's/ *$//')
    [ "$now" != "$2" ] || return 0
    if [ "$SECONDS" -ge "$end" ]; then
      fail "the last line on $1" "  expected: $2" "  got: $now" "$(screen "$1")"
      return 1
    fi
    sleep 0.05
  done
}

wipe() { # WINDOW: an empty screen at a shell's prompt
  press "$1" C-l
  tm clear-history -t "$1"
}
