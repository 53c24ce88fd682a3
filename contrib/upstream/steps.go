package main

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

const drainDir = "libcontainer/drain/"

// ofDrain are files of libcontainer/drain.
func ofDrain(names ...string) []string {
	for i, n := range names {
		names[i] = drainDir + n
	}
	return names
}

// newSeries makes the series for a base. The messages of its steps are in
// messages/, by number.
func newSeries(ours string, base Base) (Series, error) {
	s := Series{Ours: ours, Base: base, Steps: slices.Concat(drainSteps(), waitSteps())}
	for i := range s.Steps {
		name := fmt.Sprintf("messages/%02d", i+1)
		text, err := fs.ReadFile(texts, name)
		if err != nil {
			return s, err
		}
		subject, message, ok := strings.Cut(string(text), "\n\n")
		if !ok || strings.Contains(subject, "\n") || message == "" {
			return s, fmt.Errorf("%s is not a line, an empty one, and the rest", name)
		}
		s.Steps[i].Number, s.Steps[i].Subject, s.Steps[i].Message = i+1, subject, message
	}
	return s, nil
}
