load ../integration/helpers

# setup of the helpers makes a bundle, which nothing here needs.
setup() {
  DIR=$BATS_TEST_TMPDIR
  cd "$BATS_TEST_DIRNAME/../.." || return 1
}
teardown() { :; }

@test "every page renders without a warning and is known by its name" {
  DESTDIR=$DIR PREFIX=/usr script/stage man
  local page pages=("$DIR"/usr/share/man/man8/runc*.8)
  ((${#pages[@]} == $(find man -name '*.8.md' | wc -l)))
  for page in "${pages[@]}"; do
    LC_ALL=C.UTF-8 MANPAGER=cat man --warnings -l "$page" >"$DIR/text" 2>"$DIR/warnings"
    [[ ! -s $DIR/warnings ]] || fail "$page" "$(<"$DIR/warnings")"
    grep -q . "$DIR/text"
    # What apropos(1) reads.
    [[ $(lexgrog "$page") == *"\"$(basename "$page" .8) - "* ]] || fail "no name and purpose in $page"
  done
}

@test "pages for another name speak of that name" {
  DESTDIR=$DIR PREFIX=/usr NAME=runc-sync script/stage man
  local page
  for page in "$DIR"/usr/share/man/man8/*; do
    [[ $(basename "$page") == runc-sync*.8 ]]
    # Bold, a reference, or an example's command: nowhere the bare name.
    ! grep -nE '\\fBrunc(\\fP| |-[^s])|^ *(\$ )?runc |^\.TH RUNC(-[^S]| )' "$page" || fail "$page speaks of runc"
  done
}

@test "examples of kill and delete use what the program has" {
  local page flag
  for page in kill delete; do
    while read -r flag; do
      "$RUNC" "$page" --help | grep -q -e "$flag" || fail "the page of $page uses $flag"
    done < <(grep -E "^ {4}.*runc $page" "man/runc-$page.8.md" | grep -oE -e '--[a-z-]+' | sort -u)
  done
}
