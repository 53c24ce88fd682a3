// Package processes shows the processes of a container through ps(1), which
// knows the options and columns that people expect.
package processes

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"runcsync/internal/printable"
)

// Table runs ps with the given options, or with -ef, and writes its header and
// the lines about pids to w, with escapes in the place of what does not print:
// names and arguments are the container's. The options must leave a column PID,
// and must select the processes.
func Table(ctx context.Context, w io.Writer, pids []int, options []string) error {
	if len(options) == 0 {
		options = []string{"-ef"}
	}
	out, err := exec.CommandContext(ctx, "ps", options...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return filter(w, out, pids)
}

// filter copies the header of table and the lines about pids. They are
// collected first: a table that makes no sense is not shown in part.
func filter(w io.Writer, table []byte, pids []int) error {
	var kept bytes.Buffer
	lines := bufio.NewScanner(bytes.NewReader(table))
	lines.Buffer(nil, len(table)+1) // "ps auxe" prints whole environments
	lines.Scan()
	header := lines.Text()
	column := slices.Index(strings.Fields(header), "PID")
	if column < 0 {
		return errors.New("couldn't find PID field in ps output")
	}
	fmt.Fprintln(&kept, printable.Line(header))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) <= column {
			return fmt.Errorf("no pid in line %q of the ps output", lines.Text())
		}
		pid, err := strconv.Atoi(fields[column])
		if err != nil {
			return fmt.Errorf("unable to parse pid: %w", err)
		}
		if slices.Contains(pids, pid) {
			fmt.Fprintln(&kept, printable.Line(lines.Text()))
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	_, err := kept.WriteTo(w)
	return err
}
