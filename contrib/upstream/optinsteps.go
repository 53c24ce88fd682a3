package main

// optInSteps have SIGKILL and delete wait for callers that can't pass --wait.
func optInSteps() []Step {
	return []Step{{
		Name: "optin", Drafts: waitDrafts(),
		Edits: []Edit{
			{File: "main.go", Place: Place{"func main", `stmt ^app\.Flags = `, "end"}, Op: Insert, Text: "killWaitFlag(),\nkillWaitMaxFlag(),\n"},
			{
				File: "delete.go", Place: Place{"var deleteCommand", "field Action", `stmt ^if wait\.wait`}, Op: Insert,
				Text: "wait.opt(" + cmd + ", container)\n",
			},
			{
				File: "features.go", Place: Place{"var featuresCommand", `line "org\.criu\.config"`}, Op: InsertAfter,
				Imports: []string{"github.com/opencontainers/runc/libcontainer/synckill"},
				Text:    "synckill.WaitAnnotation,\n",
			},
			{
				File: "man/runc.8.md", Place: Place{`from ^# GLOBAL`, `line ^\*\*--help\*\*`}, Op: Insert,
				Text: `**--kill-wait** _duration_
: Make **runc kill** with **SIGKILL** and **runc delete** wait for up to this time,
as with **--wait**. It is for callers that can't pass that. **0** has none wait,
whatever the container's annotation **org.opencontainers.runc.kill.wait** says,
which is a duration too, and is looked at where this option is not given.

**--kill-wait-max** _duration_
: Wait for this time at most because of a container's annotation, 10 seconds by
default: an annotation may come with an image, and the caller may hold locks.
**0** turns annotations off.

`,
			},
			{File: completion, Place: Place{"shell _runc_runc", "line --rootless"}, Op: InsertAfter, Text: "\t\t--kill-wait\n\t\t--kill-wait-max\n"},
		},
	}}
}
