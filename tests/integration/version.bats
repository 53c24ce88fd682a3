load helpers

@test "version: the first line names the program, each other one thing" {
  call "$RUNC" --version
  ((status == 0))
  [[ -z $stderr ]]
  [[ $(head -n 1 <<<"$stdout") =~ ^runc\ version\ [0-9]+\.[0-9]+\.[0-9]+ ]]
  # The commit is known of what was built in a checkout.
  diff <(printf '%s\n' go libseccomp spec) <(tail -n +2 <<<"$stdout" | cut -d: -f1 | grep -vx commit | sort)
}

@test "version: the version of the specification is the one that spec writes" {
  call "$RUNC" -v
  [[ $stdout =~ spec:\ ([^[:space:]]+) ]]
  runc spec --bundle "$DIR"
  jq -e --arg version "${BASH_REMATCH[1]}" '.ociVersion == $version' config.json
}

@test "version: needs no state directory and makes none" {
  runc --version
  [[ ! -e $ROOT ]]
}
