load helpers

@test "list: a table of the containers below --root" {
  runc run -d -b "$BUNDLE" "$ID"
  runc create -b "$BUNDLE" "$ID-2"
  runc list
  [[ $(head -n 1 <<<"$stdout") =~ ^ID\ +PID\ +STATUS\ +BUNDLE\ +CREATED\ +OWNER$ ]]
  grep -qE "^$ID +[0-9]+ +running +$BUNDLE +.* root" <<<"$stdout"
  grep -qE "^$ID-2 +[0-9]+ +created +$BUNDLE" <<<"$stdout"
}

@test "list --format (-f) json is an array of states" {
  runc run -d -b "$BUNDLE" "$ID"
  runc list --format json
  stdout_json --arg id "$ID" 'length == 1 and .[0].id == $id and .[0].status == "running" and .[0].owner == "root"'
  runc list -f table
  stdout_has "$ID"
}

@test "list --quiet (-q) prints ids alone" {
  runc run -d -b "$BUNDLE" "$ID"
  runc list --quiet
  stdout_is "$ID"
  runc list -q
  stdout_is "$ID"
}

@test "list: an empty root holds no containers, one that does not exist is refused" {
  refused "no such file or directory" list
  mkdir "$ROOT"
  runc list -q
  stdout_is ""
  runc list -f json
  stdout_is null
}

@test "list: a broken container does not hide the others" {
  runc run -d -b "$BUNDLE" "$ID"
  mkdir "$ROOT/broken"
  echo '{' >"$ROOT/broken/state.json"
  runc list -q
  stdout_is "$ID"
  stderr_has broken
  rm -r "$ROOT/broken"
}

@test "list: an unknown format and arguments are refused" {
  mkdir "$ROOT"
  refused "invalid format option" list --format yaml
  refused "requires exactly 0 argument" list "$ID"
}
