package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

const minimal = `{"process": {"cwd": "/", "args": ["true"]}}`

func TestEnter(t *testing.T) {
	tests := map[string]struct {
		config string
		want   string // in the error, "" for none
	}{
		"minimal":            {minimal, ""},
		"text behind":        {minimal + " x", ""},
		"null":               {"null", "config cannot be null"},
		"empty":              {"", "config.json: the file is empty"},
		"blank":              {" \n", "config.json: the file is empty"},
		"cut off":            {"{\n\"process\":", "config.json: the file ends within a value, at line 2, column 10 (byte 12)"},
		"syntax":             {"{\n  \"process\": ?}", "config.json: invalid character '?' looking for beginning of value at line 2, column 14 (byte 16)"},
		"wrong type":         {`{"process": {"args": "x"}}`, "config.json: process.args: JSON string where []string is wanted, at line 1"},
		"wrong nested type":  {`{"linux": {"resources": {"pids": {"limit": "many"}}}}`, "config.json: linux.resources.pids.limit: JSON string where int64 is wanted"},
		"no object":          {`[]`, "config.json: the whole document: JSON array where specs.Spec is wanted"},
		"no process":         {`{}`, "process property must not be empty"},
		"no cwd":             {`{"process": {"args": ["x"]}}`, "Cwd property must not be empty"},
		"relative cwd":       {`{"process": {"cwd": "x", "args": ["x"]}}`, "Cwd must be an absolute path"},
		"no args":            {`{"process": {"cwd": "/"}}`, "args must not be empty"},
		"number of bad size": {`{"process": {"user": {"uid": -1}}}`, "config.json: process.user.uid: JSON number -1 where uint32 is wanted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir) // puts the working directory back
			write(t, filepath.Join(dir, Config), tt.config)
			_, err := Enter(dir)
			checkError(t, err, tt.want)
		})
	}
}

func TestEnterWithoutBundle(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Enter("")
	checkError(t, err, "JSON specification file config.json not found")
	_, err = Enter("nowhere")
	checkError(t, err, "chdir nowhere: no such file or directory")
}

func TestEnterChangesDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(t.TempDir())
	write(t, filepath.Join(dir, Config), minimal)
	if _, err := Enter(dir); err != nil {
		t.Fatal(err)
	}
	if cwd, _ := os.Getwd(); cwd != dir {
		t.Errorf("working directory is %s, want the bundle %s", cwd, dir)
	}
}

func TestReadProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.json")
	for content, want := range map[string]string{
		`{"cwd": "/", "args": ["x"]}`: "",
		`{"cwd": "/", "args": 1}`:     path + ": args: JSON number where []string is wanted",
		`null`:                        "process property must not be empty",
	} {
		write(t, path, content)
		_, err := ReadProcess(path)
		checkError(t, err, want)
	}
	_, err := ReadProcess(path + "x")
	checkError(t, err, "no such file or directory")
}

func TestProcess(t *testing.T) {
	p, err := Process(&specs.Process{
		Args: []string{"a", "b"}, Env: []string{"E=1"}, Cwd: "/w",
		User:            specs.User{UID: 1, GID: 2, AdditionalGids: []uint32{3, 4}},
		ConsoleSize:     &specs.Box{Width: 80, Height: 24},
		Capabilities:    &specs.LinuxCapabilities{Bounding: []string{"CAP_KILL"}},
		Rlimits:         []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 5, Hard: 6}},
		NoNewPrivileges: true, ApparmorProfile: "aa", SelinuxLabel: "se",
		Scheduler:       &specs.Scheduler{Policy: specs.SchedBatch},
		IOPriority:      &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_IDLE},
		ExecCPUAffinity: &specs.CPUAffinity{Final: "0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, ok := range map[string]bool{
		"args":         len(p.Args) == 2,
		"env":          len(p.Env) == 1,
		"cwd":          p.Cwd == "/w",
		"user":         p.UID == 1 && p.GID == 2 && len(p.AdditionalGroups) == 2 && p.AdditionalGroups[1] == 4,
		"console size": p.ConsoleWidth == 80 && p.ConsoleHeight == 24,
		"capabilities": p.Capabilities != nil && len(p.Capabilities.Bounding) == 1 && p.Capabilities.Effective == nil,
		"rlimit":       len(p.Rlimits) == 1 && p.Rlimits[0].Type == 7 && p.Rlimits[0].Soft == 5 && p.Rlimits[0].Hard == 6,
		"privileges":   p.NoNewPrivileges != nil && *p.NoNewPrivileges,
		"labels":       p.AppArmorProfile == "aa" && p.Label == "se",
		"scheduler":    p.Scheduler != nil && p.Scheduler.Policy == specs.SchedBatch,
		"ioprio":       p.IOPriority != nil && p.IOPriority.Class == specs.IOPRIO_CLASS_IDLE,
		"affinity":     p.CPUAffinity != nil && p.CPUAffinity.Final != nil && p.CPUAffinity.Initial == nil,
	} {
		if !ok {
			t.Errorf("%s got lost: %+v", what, p)
		}
	}
}

func TestProcessLeavesOut(t *testing.T) {
	p, err := Process(&specs.Process{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Capabilities != nil || p.AdditionalGroups != nil || p.Rlimits != nil || p.CPUAffinity != nil {
		t.Errorf("an empty process got capabilities %v, groups %v, rlimits %v, affinity %v", p.Capabilities, p.AdditionalGroups, p.Rlimits, p.CPUAffinity)
	}
}

func TestProcessErrors(t *testing.T) {
	_, err := Process(&specs.Process{Rlimits: []specs.POSIXRlimit{{Type: "RLIMIT_FUN"}}})
	checkError(t, err, "wrong rlimit value: RLIMIT_FUN")
	_, err = Process(&specs.Process{ExecCPUAffinity: &specs.CPUAffinity{Initial: "x"}})
	checkError(t, err, "bad CPUAffinity.Initial")
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkError wants an error of one line that contains want, or none for "".
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error %q, want none", err)
	case want != "" && err == nil:
		t.Errorf("no error, want %q", want)
	case err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
		t.Errorf("error %q, want one line with %q", err, want)
	}
}
