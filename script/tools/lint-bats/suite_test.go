package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const helpers = `
wait_for() { until "${@:2}"; do sleep 0.02; done; }
up() { wait_for 10 file_has up; }
started() { runc run -d "$ID"; up; }
killed() { runc kill --wait "$ID" KILL; }
polled() { runc_exits 0 "$@"; until nothing_left; do sleep 0.2; done; }
runc() { if [[ -n ${POLLING-} ]]; then polled "$@"; else runc_exits 0 "$@"; fi; }
refused() { ! "$RUNC" "$@"; }
again() { again; }
`

// Each is the body of a test; what is found are the lines of it, counted from 1.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"nothing", "runc kill --wait a KILL\nnothing_alive\nstatus_is a stopped", nil},
		{"waits before", "started\nwait_for 10 living_are 6\nrunc kill --wait a KILL", nil},
		{"does not ask to wait", "runc kill a KILL\nwait_for 10 none_living", nil},
		{"is refused", "refused no kill --wait a\nwait_for 10 none_living", nil},
		{"times out", "runc_exits 124 kill --wait a KILL\nwait_for 10 none_living", nil},
		{"only says it", "fail \"runc kill --wait\"\ngrep -e --wait log\nsleep 1", nil},
		{"reads lines", "runc kill --wait a\nwhile read -r pid; do echo; done <list", nil},
		{"in a comment", "runc kill --wait a\ntrue # sleep 1", nil},
		{"calls itself", "runc kill --wait a\nagain", nil},
		{"a helper goes on", "in_background k \"$RUNC\" kill --wait a\nwait_for 9 asleep", nil},
		{"a job goes on", "runc kill --wait a &\nwait_for 9 asleep", nil},
		{"another file's helper", "runc kill --wait a\nsettle_there", nil},

		{"sleeps", "runc kill --wait a KILL\nsleep 1", []string{"2: sleep waits after --wait (line 1)"}},
		{"retries", "runc delete --force --wait a\nretry 10 1 gone", []string{"2: retry waits"}},
		{"waits for", "runc kill --wait a\ntrue\nwait_for_all 10", []string{"3: wait_for_all waits"}},
		{"each time", "runc kill --wait a\nsleep 1\nsleep 1", []string{"2: sleep", "3: sleep"}},
		{"until", "runc kill --wait a\nuntil gone; do :; done", []string{"2: a loop waits"}},
		{"while", "runc kill --wait a\nwhile pgrep a; do :; done", []string{"2: a loop waits"}},
		{"until it can read", "runc kill --wait a\nuntil read -r x <f; do :; done", []string{"2: a loop waits"}},
		{"in a condition", "runc kill --wait a\nif ! retry 1; then fail; fi", []string{"2: retry"}},
		{"in a command's text", "runc kill --wait a\nx=$(sleep 1)", []string{"2: sleep"}},
		{"behind a prefix", "runc kill --wait a\nrun timeout -k 1 10s sleep 5", []string{"2: sleep"}},
		{"in the container", "runc kill --wait a\nrunc exec a sleep 100", []string{"2: sleep"}},
		{"in another shell", "runc kill --wait a\ntimeout 5 bash -c 'until gone; do sleep 1; done'", []string{"2: sleep"}},
		{"in a word's command", "runc kill --wait a\necho \"$(retry)\"", []string{"2: retry"}},
		{"close to others", "runc kill --wait a\nbash -c 'true;sleep 1'", []string{"2: sleep"}},
		{"in quotes", "runc kill --wait a\nsh -c \"$x; retry 3\"", []string{"2: retry"}},
		{"by whatever command", "runc \"$verb\" --wait a\nsleep 1", []string{"2: sleep"}},
		{"as a user", "as_user \"$verb\" --wait a\nsleep 1", []string{"2: sleep"}},
		{"a helper behind a prefix", "runc kill --wait a\nrun -1 up", []string{"2: up"}},
		{"a helper's helper waits", "runc kill --wait a\nup", []string{"2: up waits"}},
		{"its own helper waits", "settle() { up; }\nrunc kill --wait a\nsettle", []string{"3: settle waits"}},
		{"a helper promises", "killed\nsleep 1", []string{"2: sleep waits after --wait (line 1)"}},
		{"a helper waits after it", "settle() {\nkilled\nsleep 1\n}\nsettle", []string{"3: sleep"}},
		{"over two lines", "runc kill \\\n--wait a\nsleep 1", []string{"3: sleep"}},
		{"the runtime itself", "timeout 10 \"$RUNC\" --root x kill --wait a\nsleep 1", []string{"2: sleep"}},
		{"exits with 0", "runc_exits 0 kill --wait a\nsleep 1", []string{"2: sleep"}},
		{"a helper has ended", "in_background k runc kill --wait a\nwait \"$!\"\nsleep 1", []string{"3: sleep waits after --wait (line 1)"}},
		{"a job has ended", "runc kill --wait a &\nwait\nsleep 1", []string{"3: sleep"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSuite()
			test := "@test \"this\" { " + c.body + "\n}\n@test \"next\" { killed; }\n@test \"last\" { sleep 1; }\n"
			for name, text := range map[string]string{"h.bash": helpers, "t.bats": test, "u.bats": "settle_there() { sleep 1; }\n"} {
				if err := s.add(name, text); err != nil {
					t.Fatal(err)
				}
			}
			found := s.check()
			if len(found) != len(c.want) {
				t.Fatalf("found %q, want %q", found, c.want)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(found[i], "t.bats:"+want) {
					t.Errorf("found %q, want %q", found[i], want)
				}
			}
		})
	}
}

func TestReadSuite(t *testing.T) {
	dir := t.TempDir()
	if _, err := readSuite(dir); err == nil {
		t.Error("an empty directory is a suite")
	}
	for name, text := range map[string]string{
		"h.bash": helpers,
		"t.bats": "@test \"x\" {\n  killed\n  up\n}\n",
		"notes":  "sleep 1",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := readSuite(dir)
	if err != nil {
		t.Fatal(err)
	}
	if found := s.check(); len(found) != 1 || !strings.Contains(found[0], "t.bats:3: up waits") {
		t.Errorf("found %q", found)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.bats"), []byte("@test {"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSuite(dir); err == nil {
		t.Error("what is no bats is read")
	}
}
