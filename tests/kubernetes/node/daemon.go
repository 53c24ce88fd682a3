package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Daemon is a program that a test can kill and start again. Its output goes to
// a file, from the beginning on.
type Daemon struct {
	Name string
	Log  string

	args []string
	env  []string
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
}

func (n *Node) daemon(name string, args ...string) *Daemon {
	d := &Daemon{Name: name, Log: filepath.Join(n.Dir, "logs", name), args: args, env: n.environment()}
	n.daemons = append(n.daemons, d)
	return d
}

// Start starts it, without waiting until it answers.
func (d *Daemon) Start() error {
	log, err := os.OpenFile(d.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(d.args[0], d.args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, d.env
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.Name, err)
	}
	d.cmd, d.done = cmd, make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended nobody asks
		close(d.done)
	}()
	return nil
}

// Kill sends it SIGKILL and returns when it has ended.
func (d *Daemon) Kill() error { return d.end(unix.SIGKILL) }

func (d *Daemon) end(signal os.Signal) error {
	if d.cmd == nil {
		return nil
	}
	_ = d.cmd.Process.Signal(signal) // it may have ended
	select {
	case <-d.done:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%s does not end", d.Name)
	}
}

// Says returns the lines of its log that contain all of the words.
func (d *Daemon) Says(words ...string) []string {
	text, err := os.ReadFile(d.Log)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
next:
	for line := range strings.Lines(string(text)) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue next
			}
		}
		found = append(found, strings.TrimSuffix(line, "\n"))
	}
	return found
}

// answers returns when ask succeeds.
func (d *Daemon) answers(limit time.Duration, ask func() error) error {
	end := time.Now().Add(limit)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-d.done:
			return fmt.Errorf("%s has ended: %s", d.Name, d.lastWords())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s does not answer: %w: %s", d.Name, err, d.lastWords())
		}
	}
}

func (d *Daemon) lastWords() string {
	text, err := os.ReadFile(d.Log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}
