# shellcheck shell=bash disable=SC2034 # flags, members, kind: what the functions made from the tables set is used in another
# What of coracle's bash completion does not depend on the command tables; `generate bash` writes the functions of the tables, which
# go before this. Words are split at white space alone: bash's own list is split at = and : too.

# Walk the line: command (canonical), the count of its arguments, an option that waits for its value.
_coracle_walk ()
{
  local word letter i path=''
  for word in "$@"; do
    if [[ $pending ]]; then
      case $pending in --root | --runroot) globals+=("$pending" "$word") ;; esac
      pending=
    elif [[ $ended ]]; then
      count=$((count + 1))
    elif [[ $word == -- ]]; then
      ended=1
    elif [[ $word == --*=* ]]; then
      case $word in --root=* | --runroot=*) globals+=("$word") ;; esac
    elif [[ $word == --* ]]; then
      _coracle_flags "$command"
      [[ " $flags " == *" $word= "* ]] && pending=$word
    elif [[ $word == -?* ]]; then
      _coracle_flags "$command"
      for ((i = 1; i < ${#word}; i++)); do
        letter=-${word:i:1}
        if [[ " $flags " == *" $letter= "* ]]; then
          ((i + 1 == ${#word})) && pending=$letter
          break
        fi
      done
    else
      _coracle_words "$command"
      if [[ $members ]]; then
        path=${path:+$path }$word
        _coracle_canonical "$path" || return 1
      else
        count=$((count + 1))
        _coracle_stops "$command" && ended=1
      fi
    fi
  done
  return 0
}

# Offer what is of kind $1 and begins with $2.
_coracle_offer ()
{
  local list=
  case $1 in
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2"); return ;;
    dir) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$2"); return ;;
    values:*) list=${1#values:} ;;
    ?*) list=$(_coracle_names "$1") ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$list" -- "$2")
}

_coracle ()
{
  local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} words=() globals=()
  local program command='' cur='' kind='' flags='' members='' pending='' ended='' count=0 prefix='' i
  COMPREPLY=()
  read -ra words <<< "$line"
  program=${words[0]}
  if [[ $line != *[[:space:]] ]]; then
    cur=${words[${#words[@]} - 1]}
    unset "words[${#words[@]} - 1]"
  fi
  _coracle_walk "${words[@]:1}" || return 0
  _coracle_flags "$command"
  _coracle_words "$command"
  if [[ $pending ]]; then
    _coracle_kind "$command" "$pending"
    _coracle_offer "$kind" "$cur"
  elif [[ ! $ended && $cur == --*=* ]]; then
    _coracle_kind "$command" "${cur%%=*}"
    [[ $COMP_WORDBREAKS == *=* ]] || prefix=${cur%%=*}=
    cur=${cur#*=}
    _coracle_offer "$kind" "$cur"
  elif [[ ! $ended && $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${flags//=/}" -- "$cur")
  elif [[ $members ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$members" -- "$cur")
  else
    _coracle_argument "$command" "$count"
    _coracle_offer "$kind" "$cur"
  fi
  # what stands before the last colon is no part of the word that bash replaces
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"${cur%:*}:"}; done
  fi
  if [[ $prefix ]]; then
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=$prefix${COMPREPLY[i]}; done
  fi
}

complete -F _coracle coracle
