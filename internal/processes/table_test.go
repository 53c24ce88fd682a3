package processes

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	const table = "UID   PID  PPID CMD\nroot    1     0 init\nroot   12     1 sh -c 13\n\nroot   13    12 sleep\n"
	tests := map[string]struct {
		table string
		pids  []int
		want  string
		err   string
	}{
		"some":            {table: table, pids: []int{12, 99}, want: "UID   PID  PPID CMD\nroot   12     1 sh -c 13\n"},
		"none":            {table: table, want: "UID   PID  PPID CMD\n"},
		"several":         {table: table, pids: []int{13, 1}, want: "UID   PID  PPID CMD\nroot    1     0 init\nroot   13    12 sleep\n"},
		"no pid column":   {table: "UID CMD\nroot init\n", pids: []int{1}, err: "couldn't find PID field in ps output"},
		"nothing":         {table: "", err: "couldn't find PID field in ps output"},
		"short line":      {table: "UID PID\nroot 1\nroot\n", pids: []int{1}, err: `"root"`},
		"no number":       {table: "PID CMD\n1 init\nx y\n", pids: []int{1}, err: "unable to parse pid"},
		"enormous line":   {table: "PID CMD\n1 " + strings.Repeat("x", 1<<20) + "\n", pids: []int{2}, want: "PID CMD\n"},
		"hostile":         {table: "PID CMD\n1 a\x1b[2J\u009b\u202eb\x9b\r\n", pids: []int{1}, want: "PID CMD\n1 a\\x1b[2J\\u009b\\u202eb\\x9b\n"},
		"without newline": {table: "PID\n1", pids: []int{1}, want: "PID\n1\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := filter(&out, []byte(test.table), test.pids)
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Fatalf("error %v, want %q", err, test.err)
			}
			if out.String() != test.want {
				t.Errorf("shown %q, want %q", out.String(), test.want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := Table(t.Context(), &out, []int{os.Getpid()}, nil); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 || !strings.Contains(out.String(), strconv.Itoa(os.Getpid())) {
		t.Errorf("ps of the test itself:\n%s", out.String())
	}
	out.Reset()
	err := Table(t.Context(), &out, []int{1}, []string{"--nonesuch"})
	if err == nil || !strings.Contains(err.Error(), "exit status 1") || out.Len() != 0 {
		t.Errorf("ps with a wrong option: %v, output %q", err, out.String())
	}
}
