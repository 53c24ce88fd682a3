package rig

import (
	"bufio"
	"os/exec"
	"strings"
	"time"
)

// Program is a program of testdata that runs on the host.
type Program struct {
	*exec.Cmd
	rig   *Rig
	lines chan string
}

// Spawn starts a program of testdata on the host. It is ended when the test
// ends.
func (r *Rig) Spawn(name string, args ...string) *Program {
	r.Helper()
	p := &Program{Cmd: exec.Command(r.Program(name), args...), rig: r, lines: make(chan string, 100)}
	out, err := p.StdoutPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		r.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			p.lines <- sc.Text()
		}
	}()
	r.Cleanup(p.End)
	return p
}

// Says waits until the program has printed the line.
func (p *Program) Says(line string) {
	p.rig.Helper()
	limit := time.After(Bound / 2)
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				p.rig.Fatalf("%s ended without saying %q", strings.Join(p.Args, " "), line)
			}
			if l == line {
				return
			}
		case <-limit:
			p.rig.Fatalf("%s has not said %q", strings.Join(p.Args, " "), line)
		}
	}
}

// End kills the program and waits for its end.
func (p *Program) End() {
	_ = p.Process.Kill()
	_ = p.Wait()
}
