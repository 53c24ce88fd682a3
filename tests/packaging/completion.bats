load ../integration/helpers

# offered SHELL LINE prints what the shell offers after LINE, sorted, without
# descriptions.
offered() {
  local completions=$BATS_TEST_DIRNAME/../../contrib/completions here=$BATS_TEST_DIRNAME
  mkdir -p "$DIR/bin"
  ln -sfn "$RUNC" "$DIR/bin/runc"
  export PATH=$DIR/bin:$PATH
  # setsid: a shell that thinks it is interactive takes the terminal.
  case $1 in
    bash) timeout 30 setsid bash --norc "$here/offered.bash" "$completions/bash/runc" "$2" ;;
    zsh) timeout 30 setsid zsh -f "$here/offered.zsh" "$completions/zsh" "$2" ;;
    fish) timeout 30 setsid fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$completions/fish/runc.fish" "$2" ;;
  esac </dev/null 3>&- | cut -f 1 | sort
}

# offers SHELL LINE WORD... fails unless the shell offers just the words.
offers() {
  local shell=$1 line=$2 got want
  shift 2
  got=$(offered "$shell" "$line")
  want=$(printf '%s\n' "$@" | sort)
  [[ $got == "$want" ]] || fail "$shell offers for \"$line\":" "$got" "instead of:" "$want"
}

# help_lists prints the commands, or the options of one, that the help shows.
# This is read differently from how the completions do it.
help_commands() {
  "$RUNC" --help | sed -n '/^COMMANDS:/,/^$/p' | grep -oE '^   [a-z]+' | tr -d ' '
}

help_options() {
  "$RUNC" "$@" --help | sed -n '/OPTIONS:/,$p' | sed -E 's/^( *[^ ].*[^ ])  .*/\1/' |
    grep -oE '(^|[ ,[])--?[a-z][a-z0-9-]*' | tr -d ' ,[' | sort -u
}

every_option() {
  local shell=$1 command
  mapfile -t words < <(help_commands)
  ((${#words[@]} >= 17))
  offers "$shell" "runc " "${words[@]}"
  for command in "" $(help_commands | grep -v help); do
    mapfile -t words < <(help_options ${command:+"$command"} | grep -e --)
    offers "$shell" "runc ${command:+$command }--" "${words[@]}"
  done
  offers "$shell" "runc --rootless " auto false true
  offers "$shell" "runc kill --format " json text
  offers "$shell" "runc list -f " json table
}

# containers makes one in each state.
containers() {
  MADE=$ID-made LIVE=$ID-live FROZEN=$ID-frozen DEAD=$ID-dead
  runc create -b "$BUNDLE" "$MADE"
  runc run -d -b "$BUNDLE" "$LIVE"
  runc run -d -b "$BUNDLE" "$FROZEN"
  runc pause "$FROZEN"
  runc run -d -b "$BUNDLE" "$DEAD"
  runc kill --wait "$DEAD" KILL
}

ids_by_state() {
  local shell=$1 r="runc --root $ROOT"
  containers
  offers "$shell" "$r kill " "$MADE" "$LIVE" "$FROZEN"
  offers "$shell" "$r kill --wait --timeout 5s " "$MADE" "$LIVE" "$FROZEN"
  offers "$shell" "$r kill $ID-l" "$LIVE"
  offers "$shell" "$r delete " "$MADE" "$DEAD"
  offers "$shell" "$r delete --force " "$MADE" "$DEAD" "$LIVE" "$FROZEN"
  offers "$shell" "$r start " "$MADE"
  offers "$shell" "$r exec -t " "$LIVE"
  offers "$shell" "$r pause " "$LIVE"
  offers "$shell" "$r resume " "$FROZEN"
  offers "$shell" "$r state " "$MADE" "$DEAD" "$LIVE" "$FROZEN"
}

signals_by_name() {
  local shell=$1 signal
  offers "$shell" "runc kill web TER" TERM
  mapfile -t words < <(offered "$shell" "runc kill web ")
  # All that the kernel has, but for the realtime ones, which have no name.
  ((${#words[@]} == 31)) || fail "not 31 signals:" "${words[@]}"
  for signal in "${words[@]}"; do
    refused "container does not exist" kill "$ID" "$signal"
  done
}

@test "bash: commands and each one's options, as its help has them" { every_option bash; }
@test "zsh: commands and each one's options, as its help has them" { every_option zsh; }
@test "fish: commands and each one's options, as its help has them" { every_option fish; }

@test "bash: containers by the states that a command is for" { ids_by_state bash; }
@test "zsh: containers by the states that a command is for" { ids_by_state zsh; }
@test "fish: containers by the states that a command is for" { ids_by_state fish; }

@test "bash: signals by name" { signals_by_name bash; }
@test "zsh: signals by name" { signals_by_name zsh; }
@test "fish: signals by name" { signals_by_name fish; }

@test "bash: --option=VALUE" { offers bash "runc list --format=" json table; }
@test "zsh: --option=VALUE" { offers zsh "runc list --format=" json table; }
@test "fish: --option=VALUE" { offers fish "runc list --format=" --format=json --format=table; }
