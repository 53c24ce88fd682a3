package guarantee

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/containerd/console"
	"github.com/opencontainers/runtime-spec/specs-go"

	"runcsync/tests/guarantee/rig"
)

// prints fails the test if a person's terminal would do anything with text but
// show it.
func prints(t *testing.T, what, text string) {
	t.Helper()
	for i, r := range text {
		if r == '\n' {
			continue
		}
		if _, n := utf8.DecodeRuneInString(text[i:]); !strconv.IsPrint(r) || r == utf8.RuneError && n == 1 {
			t.Errorf("%s has %q in it: %q", what, text[i:i+n], text)
			return
		}
	}
}

// names are what programs of a container may be called, and how that is to be
// shown. There are 15 bytes for it.
var names = []struct{ name, shown string }{
	{"\x1b[2J\x1b]0;x\a", `("\x1b[2J\x1b]0;x\x07")`}, // clears the screen, sets the title
	{"\rpid 1 (init)", `("\x0dpid 1 (init)")`},       // rewrites the line
	{"\u009b2J\u0085", `(\u009b2J\u0085)`},           // C1 in UTF-8
	{"\x9b2J\xff", `(\x9b2J\xff)`},                   // C1 in Latin-1
	{"\u202etxt\u2066", `(\u202etxt\u2066)`},         // turned around
	{"a\u2028b\nlevel=", `(a\u2028b\x0alevel=)`},
	{`\x1b[2J`, `(\x5cx1b[2J)`},
	{"b) state Z; (", `("b) state Z; (")`},
}

// cgroupName is what a container may call a cgroup, and shown how that is shown.
const (
	cgroupName  = "\x1b[31m\r\u009b\u202e;x\x9b"
	cgroupShown = `/\x1b[31m\x0d\u009b\u202e;x\x9b"` // in quotes because of the semicolon
)

// onTerminal runs runc with standard error on a terminal and returns what that
// was sent, without what runc itself does to it.
func onTerminal(t *testing.T, r *rig.Rig, args ...string) (status int, text string) {
	t.Helper()
	master, path, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	slave, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(r.Runc(), append([]string{"--root", r.Root}, args...)...)
	cmd.Stderr = slave
	err = cmd.Start()
	slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	over := time.AfterFunc(rig.Bound, func() { _ = cmd.Process.Kill() })
	defer over.Stop()
	sent, _ := io.ReadAll(master) // EIO when the other end is closed
	_ = cmd.Wait()
	text = strings.ReplaceAll(string(sent), "\r\n", "\n")
	text = strings.NewReplacer("\x1b[31m", "", "\x1b[33m", "", "\x1b[0m", "", "\r\x1b[K", "").Replace(text)
	return cmd.ProcessState.ExitCode(), text
}

// TestHostileSurvivor has processes left whose names, and whose cgroup's name,
// are a terminal's commands.
func TestHostileSurvivor(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	c := r.New(rig.Spec{Args: []string{"crowd", "1", "ignore"}, PIDs: rig.HostPIDs}).Run()
	pids := map[int]string{}
	for _, n := range names {
		pids[c.Exec("named", fmt.Sprintf("%x", n.name))] = n.name
	}
	for pid, name := range pids {
		r.Await(fmt.Sprintf("%q", name), func() bool { return rig.Comm(pid) == name })
		for _, h := range r.Hierarchies() {
			r.Put(pid, c.Sub(h, cgroupName))
		}
	}
	check := func(what, text string) {
		t.Helper()
		prints(t, what, text)
		for _, n := range names {
			if !strings.Contains(text, n.shown) {
				t.Errorf("%s has no %s: %s", what, n.shown, text)
			}
		}
		if !strings.Contains(text, cgroupShown) {
			t.Errorf("%s has no %s: %s", what, cgroupShown, text)
		}
	}
	kill := []string{"kill", "--wait", "--timeout=300ms", "--format=json", c.ID, "TERM"}
	with := func(global ...string) rig.Result {
		t.Helper()
		res := r.Run(append(global, kill...)...)
		if res.Status != 124 {
			t.Errorf("want status 124: %s", res)
		}
		prints(t, "the report", res.Stdout)
		return res
	}
	unquote := func(text string) string { // of a log of text, which quotes messages
		return strings.ReplaceAll(strings.ReplaceAll(text, `\\`, `\`), `\"`, `"`)
	}

	res := with()
	check("standard error", unquote(res.Stderr))
	exact := map[int]string{}
	for _, s := range parse(t, res).Survivors {
		exact[s.Pid] = s.Comm
	}
	for pid, name := range pids {
		if want := strings.ToValidUTF8(strings.ReplaceAll(name, "\x9b", "\ufffd"), "\ufffd"); utf8.ValidString(name) && exact[pid] != name || !utf8.ValidString(name) && exact[pid] != want {
			t.Errorf("the report calls %d %q, which is called %q", pid, exact[pid], name)
		}
	}

	file := filepath.Join(t.TempDir(), "log")
	res = with("--log", file)
	check("standard error beside a log", res.Stderr)
	check("the log", unquote(read(t, file)))

	file += ".json"
	res = with("--debug", "--log-format=json", "--log", file)
	check("standard error beside a log of JSON", res.Stderr)
	text := read(t, file)
	prints(t, "the log of JSON", text)
	check("the error in it", message(t, text, "error"))

	res = with("--debug")
	prints(t, "the log of each step", res.Stderr)

	status, text := onTerminal(t, r, kill...)
	if status != 124 {
		t.Errorf("on a terminal: status %d, want 124", status)
	}
	check("the terminal", text)
	c.Delete()
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// message is the last one of a level in a log of JSON.
func message(t *testing.T, log, level string) (msg string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var e struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if e.Level == level {
			msg = e.Msg
		}
	}
	return msg
}

// hostilePath is a name of a directory.
const (
	hostilePath  = "b\x1b[2J\r\n\u009b\u202e\x7fö\\x1b"
	hostileShown = `b\x1b[2J\x0d\x0a\u009b\u202e\x7fö\x5cx1b`
)

// TestHostileTables has such text in what list, ps and state print.
func TestHostileTables(t *testing.T) {
	t.Parallel()
	r := rig.Open(t)
	c := r.New(rig.Spec{Args: []string{"crowd", "3"}, Annotations: map[string]string{"name": hostilePath}})
	dir := filepath.Join(t.TempDir(), hostilePath)
	if err := os.Rename(c.Bundle, dir); err != nil {
		t.Fatal(err)
	}
	c.Bundle = dir
	c.Run().Settled(3)

	table := r.Must("list").Stdout
	prints(t, "list", table)
	if lines := strings.Split(table, "\n"); len(lines) != 2 || !strings.Contains(lines[1], hostileShown+"   ") {
		t.Errorf("list has no %s in its second and last line:\n%s", hostileShown, table)
	}
	for _, args := range [][]string{{"list", "--format=json"}, {"state", c.ID}} {
		text := r.Must(args...).Stdout
		prints(t, args[0]+" as JSON", text)
		var states []specs.State
		if args[0] == "state" {
			text = "[" + text + "]"
		}
		if err := json.Unmarshal([]byte(text), &states); err != nil || len(states) != 1 || states[0].Bundle != dir || states[0].Annotations["name"] != hostilePath {
			t.Errorf("%s: %v, want the bundle %q: %s", args[0], err, dir, text)
		}
	}

	// What ps makes of such names depends on which it is, and on the locale.
	bin := t.TempDir()
	ps := fmt.Sprintf("#!/bin/sh\nprintf 'PID CMD\\n%d a\\033[2J\\302\\233\\r\\342\\200\\256b\\377\\n'\n", c.Pid())
	if err := os.WriteFile(filepath.Join(bin, "ps"), []byte(ps), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Via = []string{"env", "PATH=" + bin + ":" + os.Getenv("PATH")}
	if got, want := r.Must("ps", c.ID).Stdout, fmt.Sprintf("PID CMD\n%d a\\x1b[2J\\u009b\\x0d\\u202eb\\xff", c.Pid()); got != want {
		t.Errorf("ps shows\n%q, want\n%q", got, want)
	}
	r.Via = []string{"env", "LC_ALL=C.UTF-8"}
	pid := c.Exec("named", fmt.Sprintf("%x", "\u202etxt\u009b"))
	r.Await("its name", func() bool { return rig.Comm(pid) == "\u202etxt\u009b" })
	table = r.Must("ps", c.ID, "-eo", "pid,comm").Stdout
	prints(t, "ps of this machine", table)
	if !strings.Contains(table, "txt") {
		t.Errorf("ps does not show the process:\n%s", table)
	}
	r.Via = nil
	c.Delete()
}

// TestHostileErrors has such text in errors, of this program and of others.
func TestHostileErrors(t *testing.T) {
	t.Parallel()
	hook := specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", `printf '\033[2J\r\nlevel=fatal \302\233' >&2; exit 1`}}
	tests := []struct {
		name  string
		edit  func(*specs.Spec)
		args  []string // instead of run
		shown string
	}{
		{name: "root file system", edit: func(s *specs.Spec) { s.Root.Path = "/nonesuch/" + hostilePath }, shown: `b\x1b[2J\x0d\x0a\u009b\u202e\x7fö\x1b`},
		{name: "hook", edit: func(s *specs.Spec) { s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{hook}} }, shown: `\x1b[2J\x0d\x0alevel=fatal \u009b`},
		{name: "program", edit: func(s *specs.Spec) { s.Process.Args = []string{"/\x1b[2J\r"} }, shown: `\x1b[2J`},
		{name: "ID", args: []string{"state", "\x1b[2J\r"}, shown: "invalid container ID format"},
		{name: "bundle", args: []string{"run", "-b", "/nonesuch/\x1b[2J\r", "x"}, shown: `/nonesuch/\x1b[2J\x0d`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t)
			c := r.New(rig.Spec{Edit: tt.edit})
			args := tt.args
			if args == nil {
				args = []string{"run", "-b", c.Bundle, c.ID}
			}
			file := filepath.Join(t.TempDir(), "log")
			for _, format := range []string{"text", "json"} {
				res := r.Run(slices.Concat([]string{"--log", file + format, "--log-format", format}, args)...)
				if res.Status != 1 || !strings.Contains(res.Stderr, tt.shown) || strings.Contains(res.Stderr, "\n") {
					t.Errorf("want status 1, one line with %s: %s", tt.shown, res)
				}
				prints(t, "standard error", res.Stderr)
				prints(t, "the log, "+format, read(t, file+format))
			}
			status, text := onTerminal(t, r, args...)
			if status != 1 || !strings.Contains(text, tt.shown) {
				t.Errorf("on a terminal: status %d, want 1 and %s: %s", status, tt.shown, text)
			}
			prints(t, "the terminal", text)
		})
	}
}
