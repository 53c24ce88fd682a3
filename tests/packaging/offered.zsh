#!/usr/bin/env zsh
# Prints what an interactive zsh offers when TAB is pressed after LINE, one a
# line:
#
#   offered.zsh FUNCTIONS-DIR LINE
emulate -R zsh
zmodload zsh/zpty zsh/system

export HITS=$(mktemp -u)
mkfifo $HITS
trap 'zpty -d shell 2>/dev/null; rm -f $HITS' EXIT
exec {hits}<>$HITS

# The shell in the terminal notes each match on its way to the screen, shows
# and inserts none, and says when it is done.
zpty shell zsh -f -i
setup=(
  "PS1= PS2= LISTMAX=10000"
  "fpath=(${(q)1} \$fpath)"
  "autoload -Uz compinit && compinit -D -u"
  "compadd() {
    [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]] || { builtin compadd \"\$@\"; return; }
    local -a matching
    builtin compadd -O matching \"\$@\"
    (( ! \$#matching )) || print -rl -- \$matching >\$HITS
    builtin compadd \"\$@\"
  }"
  "silent() { compstate[list]= compstate[insert]=; print -r -- '== done' >\$HITS; }"
  "complete_now() { comppostfuncs=(silent); _main_complete; }"
  "zle -C complete_now complete-word complete_now"
  "bindkey '^I' complete_now"
  "print -r -- '== ready' >\$HITS"
)
zpty -w shell "${(j:; :)setup}"

# line_from prints what comes until the mark; a shell that hangs is given up.
until_mark() {
  local line
  while read -t 10 -u $hits -r line; do
    [[ $line != "$1" ]] || return 0
    print -r -- $line
  done
  print -u2 -- "zsh did not answer; its terminal shows:"
  zpty -rt shell line && print -u2 -r -- $line
  return 1
}

until_mark '== ready' || exit 1
zpty -w -n shell "$2"$'\t'
until_mark '== done'
