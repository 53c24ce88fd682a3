package logging

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"
)

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
