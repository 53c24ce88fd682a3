package main

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// newSeries makes the series for a base. The messages of its steps are in
// messages/, by name.
func newSeries(ours string, base Base) (Series, error) {
	s := Series{
		Ours: ours, Base: base,
		Files: slices.Concat(drainFiles(), synckillFiles()),
		Steps: slices.Concat(drainSteps(), waitSteps(), fenceSteps(), optInSteps(), batsSteps()),
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		text, err := fs.ReadFile(texts, "messages/"+step.Name)
		if err != nil {
			return s, err
		}
		subject, message, ok := strings.Cut(string(text), "\n\n")
		if !ok || strings.Contains(subject, "\n") || message == "" {
			return s, fmt.Errorf("messages/%s is not a line, an empty one, and the rest", step.Name)
		}
		step.Number, step.Subject, step.Message = i+1, subject, message
	}
	return s, nil
}

// in are files that are in a directory.
func in(dir string, files []File) []File {
	for i := range files {
		files[i].Name = dir + "/" + files[i].Name
	}
	return files
}
