load helpers

@test "ioprio: init has config.json's class and priority, and so has exec" {
  config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
  runc run -d -b "$BUNDLE" "$ID"
  [[ $(ionice -p "$(pid_of "$ID")") == "best-effort: prio 6" ]]
  runc exec -d --pid-file pid "$ID" sleep 50
  [[ $(ionice -p "$(<pid)") == "best-effort: prio 6" ]]
}

@test "ioprio: the idle class has no priorities" {
  config '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
  runc run -d -b "$BUNDLE" "$ID"
  [[ $(ionice -p "$(pid_of "$ID")") == idle* ]]
}

@test "ioprio: exec has its own by --process" {
  runc run -d -b "$BUNDLE" "$ID"
  jq '.process | .ioPriority = {class: "IOPRIO_CLASS_BE", priority: 1}' "$BUNDLE/config.json" >process.json
  runc exec -d --pid-file pid --process process.json "$ID"
  [[ $(ionice -p "$(<pid)") == "best-effort: prio 1" ]]
}

@test "ioprio: a class that does not exist is refused" {
  config '.process.ioPriority = {class: "IOPRIO_CLASS_URGENT", priority: 1}'
  refused IOPRIO_CLASS_URGENT run -d -b "$BUNDLE" "$ID"
  no_container "$ID"
}
