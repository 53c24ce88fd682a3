#!/usr/bin/env bash
# Prints what bash offers when TAB is pressed after LINE, one a line:
#
#   offered.bash COMPLETION-FILE LINE
#
# The line is split as readline does it: at blanks, and "=" is a word.
# shellcheck source=/dev/null
source /usr/share/bash-completion/bash_completion
# shellcheck source=/dev/null
source "$1"

COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
read -ra COMP_WORDS <<<"${COMP_LINE//=/ = }"
case $COMP_LINE in
  *[\ =]) COMP_WORDS+=("") ;;
esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMPREPLY=()
function=$(complete -p runc | sed -E 's/.* -F ([^ ]+) .*/\1/')
"$function" runc
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
