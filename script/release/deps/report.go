package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// reason is a row of docs/dependencies.md.
type reason struct {
	module  string
	why     string
	instead string // what would replace it
}

// reasons reads the table of direct dependencies.
func reasons(root string) ([]reason, error) {
	data, err := os.ReadFile(filepath.Join(root, "docs/dependencies.md"))
	if err != nil {
		return nil, err
	}
	var rows []reason
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| `") || len(cells) != 3 {
			continue
		}
		rows = append(rows, reason{
			strings.Trim(cells[0], " `"), strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]),
		})
	}
	return rows, nil
}

// direct lists the modules that go.mod requires for the project's own sake.
func direct(root string) ([]string, error) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod edit: %w", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, err
	}
	var paths []string
	for _, r := range mod.Require {
		if !r.Indirect {
			paths = append(paths, r.Path)
		}
	}
	return paths, nil
}

// report prints each direct dependency with its reasons, and the rest of what
// is linked in.
func report(out io.Writer, root string, parts []part) error {
	rows, err := reasons(root)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "DIRECT\tVERSION\tLICENCE\tWHY\tINSTEAD")
	for _, r := range rows {
		i := slices.IndexFunc(parts, func(p part) bool { return p.Name == r.module })
		if i < 0 {
			continue // check says so
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.module, parts[i].Version, parts[i].expression(), r.why, r.instead)
	}
	fmt.Fprintln(table, "\nTHROUGH THESE\tVERSION\tLICENCE")
	for _, p := range parts {
		if !slices.ContainsFunc(rows, func(r reason) bool { return r.module == p.Name }) {
			fmt.Fprintf(table, "%s\t%s\t%s\n", p.Name, p.Version, p.expression())
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return check(out, root, parts)
}

// check finds what is not in order: a dependency nobody has given a reason
// for, a licence that does not go with the project's, a part that NOTICE does
// not name.
func check(out io.Writer, root string, parts []part) error {
	rows, err := reasons(root)
	if err != nil {
		return err
	}
	wanted, err := direct(root)
	if err != nil {
		return err
	}
	notice, err := os.ReadFile(filepath.Join(root, "NOTICE"))
	if err != nil {
		return err
	}
	faults := slices.Concat(unexplained(wanted, rows), unnamed(string(notice), parts))
	for _, p := range parts {
		if o := p.objection(); o != "" {
			faults = append(faults, errors.New(o))
		}
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	fmt.Fprintf(out, "dependencies: %d direct, each with its reason; %d parts linked in, compatible and named in NOTICE\n", len(wanted), len(parts))
	return nil
}

// unexplained compares the direct dependencies with the table.
func unexplained(wanted []string, rows []reason) (faults []error) {
	for _, path := range wanted {
		i := slices.IndexFunc(rows, func(r reason) bool { return r.module == path })
		if i < 0 || rows[i].why == "" || rows[i].instead == "" {
			faults = append(faults, fmt.Errorf("%s: docs/dependencies.md does not say why it is there and what would replace it", path))
		}
	}
	for _, r := range rows {
		if !slices.Contains(wanted, r.module) {
			faults = append(faults, fmt.Errorf("%s: docs/dependencies.md has it, but go.mod does not require it directly", r.module))
		}
	}
	return faults
}

// unnamed compares what is linked in with NOTICE: the licences of all parts ask
// to be named, and notices to be carried on.
func unnamed(notice string, parts []part) (faults []error) {
	lines := strings.Split(notice, "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	for _, p := range parts {
		if want := p.Name + " (" + p.expression() + ")"; !slices.Contains(lines, want) {
			faults = append(faults, fmt.Errorf("%s: NOTICE has no line %q", p.Name, want))
		}
		for _, a := range p.attributions() {
			if !slices.Contains(lines, a) {
				faults = append(faults, fmt.Errorf("%s: NOTICE does not carry on its %q", p.Name, a))
			}
		}
	}
	return faults
}
