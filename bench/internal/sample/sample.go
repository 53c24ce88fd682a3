// Package sample is the benchmark's raw data: one JSON object a line, in a
// file that measurements are appended to and reports are made from.
package sample

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Case is a situation in which several subjects are measured in turns.
type Case struct {
	Suite string `json:"suite"`
	View  string `json:"view"`           // cgroup layout: hybrid, v1 or v2
	PIDs  string `json:"pids,omitempty"` // PID namespace: host or private
	Name  string `json:"name,omitempty"` // what the suite does, if it does several things
	N     int    `json:"n,omitempty"`    // processes, or what else the suite counts
}

func (c Case) String() string {
	s := c.Suite + " " + c.View
	if c.Name != "" {
		s += " " + c.Name
	}
	if c.PIDs != "" {
		s += " " + c.PIDs
	}
	if c.N > 0 {
		s += fmt.Sprintf(" %d", c.N)
	}
	return s
}

// Sample is one measurement. What a suite does not measure is 0.
type Sample struct {
	Case
	Subject string `json:"subject"`
	Round   int    `json:"round"`

	Ns     int64 `json:"ns"` // from the fork of the command to its end
	UserUs int64 `json:"user_us"`
	SysUs  int64 `json:"sys_us"`
	RSSKB  int64 `json:"rss_kb"` // at most
	Status int   `json:"status"` // exit status, 128 + a signal's number
	// Alive is how many of the container's processes lived when the command
	// had ended, GoneNs when the last of them was gone: 0 if none was alive,
	// -1 if any was a second later.
	Alive  int   `json:"alive"`
	GoneNs int64 `json:"gone_ns"`

	Late     int    `json:"late,omitempty"`      // processes that came after the command had ended
	Calls    int    `json:"calls,omitempty"`     // system calls
	OwnCalls int    `json:"own_calls,omitempty"` // without those of the Go runtime
	FDs      int    `json:"fds,omitempty"`       // open at most
	CPUNs    int64  `json:"cpu_ns,omitempty"`    // in the time that the suite watches
	Error    string `json:"error,omitempty"`     // of the command, its last line
}

// Machine is where and on what samples were taken.
type Machine struct {
	Date     string            `json:"date"`
	Kernel   string            `json:"kernel"`
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	MemoryGB int               `json:"memory_gb"`
	Commit   string            `json:"commit"`
	Load     string            `json:"load"`     // averages when the measurements began
	Nice     int               `json:"nice"`     // of the measurements
	Versions map[string]string `json:"versions"` // of each runtime
	Missing  map[string]string `json:"missing"`  // "peer, view": why it can't be measured
}

// line is a line of the file: one of its fields.
type line struct {
	Machine *Machine `json:"machine,omitempty"`
	Sample  *Sample  `json:"sample,omitempty"`
}

// File is a file of samples.
type File struct {
	Path     string
	Machines []Machine
	Samples  []Sample
}

// Load reads a file; one that does not exist is empty.
func Load(path string) (*File, error) {
	f := &File{Path: path}
	r, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	n := 0
	for sc := bufio.NewScanner(r); sc.Scan(); {
		n++
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if l.Machine != nil {
			f.Machines = append(f.Machines, *l.Machine)
		}
		if l.Sample != nil {
			f.Samples = append(f.Samples, *l.Sample)
		}
	}
	return f, nil
}

// Rounds is how many rounds of a case are complete.
func (f *File) Rounds(c Case) int {
	done := 0
	for _, s := range f.Samples {
		if s.Case == c {
			done = max(done, s.Round)
		}
	}
	return done
}

// AddMachine appends m.
func (f *File) AddMachine(m Machine) error {
	f.Machines = append(f.Machines, m)
	return f.write([]line{{Machine: &m}})
}

// Add appends the samples of a round, all or, if it fails, at most the last
// line cut off.
func (f *File) Add(round []Sample) error {
	f.Samples = append(f.Samples, round...)
	lines := make([]line, len(round))
	for i := range round {
		lines[i].Sample = &round[i]
	}
	return f.write(lines)
}

func (f *File) write(lines []line) error {
	var text []byte
	for _, l := range lines {
		one, err := json.Marshal(l)
		if err != nil {
			return err
		}
		text = append(append(text, one...), '\n')
	}
	w, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return errors.Join(err, w.Close())
}
