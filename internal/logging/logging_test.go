package logging

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"
)

// hostile is what a container may have chosen: an escape sequence, C1 characters
// in UTF-8 and as a byte, a mark that turns text around, a line that is not ours.
const hostile = "\x1b[2J\u009b\x9b\u202e\nlevel=fatal"

func TestHostileText(t *testing.T) {
	const escaped = `\x1b[2J\u009b\x9b\u202e\x0alevel=fatal`
	quoted := strconv.Quote(escaped)
	tests := []struct {
		name      string
		formatter logrus.Formatter
		want      string
	}{
		{"file", asText{&logrus.TextFormatter{DisableTimestamp: true}}, "level=error msg=" + quoted + ` field="\x1b[2J\u009b\x9b\u202e\nlevel=fatal"` + "\n"},
		{"terminal", asText{&logrus.TextFormatter{DisableTimestamp: true, ForceColors: true}}, "\x1b[31mERRO\x1b[0m " + escaped + "        \x1b[31mfield\x1b[0m=" + `"\x1b[2J\u009b\x9b\u202e\nlevel=fatal"` + "\n"},
		{"json", asJSON{&logrus.JSONFormatter{DisableTimestamp: true}}, `{"field":"\u001b[2J\u009b\ufffd\u202e\nlevel=fatal","level":"error","msg":"\\x1b[2J\\u009b\\x9b\\u202e\nlevel=fatal"}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			l := logrus.New()
			l.SetOutput(&out)
			l.SetFormatter(tt.formatter)
			l.WithField("field", hostile).Error(hostile)
			if out.String() != tt.want {
				t.Errorf("got  %q\nwant %q", out.String(), tt.want)
			}
		})
	}
}

func TestReport(t *testing.T) {
	defer logrus.SetOutput(os.Stderr)
	logrus.SetOutput(io.Discard)
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	os.Stderr, _ = os.Open(os.DevNull)
	hook := exec.Command("sh", "-c", "exit 5").Run()
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"plain", errors.New("no"), 1},
		{"own", &ExitError{Err: errors.New("late"), Status: 124}, 124},
		{"own, wrapped", fmt.Errorf("kill: %w", &ExitError{Err: errors.New("late"), Status: 124}), 124},
		{"unknown command", cli.Exit("no help topic", 3), 3},
		{"a hook's status is not runc's", fmt.Errorf("error running poststop hook: %w", hook), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Report(tt.err); got != tt.want {
				t.Errorf("exit status %d, want %d", got, tt.want)
			}
		})
	}
}
