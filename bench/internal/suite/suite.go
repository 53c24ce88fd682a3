// Package suite has the measurements: each suite is a list of cases, and a way
// to carry out one round of a case, in which every subject has its turn.
package suite

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"runcsync/bench/internal/container"
	"runcsync/bench/internal/sample"
	"runcsync/bench/internal/stage"
)

// Bench is what all suites share.
type Bench struct {
	Stage    stage.Stage
	Runtimes []stage.Runtime
	Dir      string // for containers, one run's own
	View     string
	Full     bool
	Calm     time.Duration // how long a measurement may be put off while others are busy

	serial int
	shown  time.Time // when progress was last shown
}

// suite is a kind of measurement.
type suite struct {
	name  string
	cases func(b *Bench) []planned
	round func(b *Bench, c sample.Case, round int) ([]sample.Sample, error)
}

// planned is a case with the number of rounds it shall have.
type planned struct {
	sample.Case
	rounds int
	suite  suite
}

var suites = []suite{start, end, commands, crowdOfContainers, nested, arrivals, cost, survivor}

// Options say what of all that Run does.
type Options struct {
	Only     *regexp.Regexp // cases by their name
	Deadline time.Time      // no round begins after it
	Progress io.Writer
	Terminal bool // Progress is one: the line is written over
}

// Run carries out what rounds are missing in data in the view, and tells
// whether all are there now.
func (b *Bench) Run(data *sample.File, o Options) (complete bool, err error) {
	var todo []planned
	for _, s := range suites {
		for _, p := range s.cases(b) {
			p.suite, p.Suite, p.View = s, s.name, b.View
			if o.Only == nil || o.Only.MatchString(p.Case.String()) {
				todo = append(todo, p)
			}
		}
	}
	total, done := 0, 0
	for _, p := range todo {
		total += p.rounds
		done += min(data.Rounds(p.Case), p.rounds)
	}
	// A round of each case after the other: what else the machine does at a time
	// then meets all of them, and a run that is cut off has something of all.
	for round := 1; done < total; round++ {
		for _, p := range todo {
			if round > p.rounds || round <= data.Rounds(p.Case) {
				continue
			}
			left := time.Until(o.Deadline)
			if left <= 0 {
				return false, nil
			}
			b.show(o, "%s: %d of %d rounds done, %s left; %s", b.View, done, total, left.Round(time.Second), p.Case)
			samples, err := p.suite.round(b, p.Case, round)
			if err != nil {
				return false, fmt.Errorf("%s, round %d: %w", p.Case, round, err)
			}
			if err := data.Add(samples); err != nil {
				return false, err
			}
			done++
		}
	}
	b.show(o, "%s: all %d rounds done", b.View, total)
	if o.Terminal {
		fmt.Fprintln(o.Progress)
	}
	return true, nil
}

func (b *Bench) show(o Options, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if o.Terminal {
		fmt.Fprintf(o.Progress, "\r%s\x1b[K", text)
	} else if now := time.Now(); now.Sub(b.shown) >= 5*time.Second {
		b.shown = now
		fmt.Fprintln(o.Progress, text)
	}
}

// runtime finds a runtime by name.
func (b *Bench) runtime(name string) (stage.Runtime, bool) {
	i := slices.IndexFunc(b.Runtimes, func(r stage.Runtime) bool { return r.Name == name })
	if i < 0 {
		return stage.Runtime{}, false
	}
	return b.Runtimes[i], true
}

// Probe runs a container with each runtime and drops those that can't do that
// here; it returns why.
func (b *Bench) Probe() map[string]string {
	missing := map[string]string{}
	b.Runtimes = slices.DeleteFunc(b.Runtimes, func(r stage.Runtime) bool {
		c, err := b.container(r, container.Spec{Processes: 1})
		if err == nil {
			err = c.Run()
			err = errors.Join(err, c.Remove())
		}
		if err != nil {
			missing[r.Name+", "+b.View] = err.Error()
		}
		return err != nil
	})
	return missing
}

// container writes a new container's bundle.
func (b *Bench) container(r stage.Runtime, s container.Spec) (*container.Container, error) {
	b.serial++
	return container.New(b.Stage, r, b.Dir, fmt.Sprintf("bench-%d-%d", os.Getpid(), b.serial), s)
}

// running is container, and runs it.
func (b *Bench) running(r stage.Runtime, s container.Spec) (*container.Container, error) {
	c, err := b.container(r, s)
	if err != nil {
		return nil, err
	}
	if err := c.Run(); err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

// turns are the indices of n subjects, in an order that changes from round to
// round: whoever comes first may have it harder.
func turns(n, round int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = (i + round) % n
	}
	if round/n%2 == 0 {
		slices.Reverse(order)
	}
	return order
}

// timing is how long measured commands may take.
const timing = 2 * time.Minute

// measure runs commands at the same time under stopwatch. The processes of the
// watched file are looked for when they have ended.
func (b *Bench) measure(env []string, watched string, argvs ...[]string) (sample.Sample, error) {
	output := filepath.Join(b.Dir, "output")
	args := []string{"-o", output}
	if watched != "" {
		args = append(args, "-w", watched)
	}
	for i, argv := range argvs {
		if i > 0 {
			args = append(args, ";")
		}
		args = append(args, argv...)
	}
	cmd := exec.Command(b.Stage.Program("stopwatch"), args...)
	cmd.Env = append(os.Environ(), env...)
	b.awaitCalm()
	timer := time.AfterFunc(timing, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	var s sample.Sample
	text, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	said, _ := os.ReadFile(output)
	os.Remove(output)
	if err != nil {
		return s, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, said)
	}
	if s.Status != 0 {
		lines := strings.Split(strings.TrimSpace(string(said)), "\n")
		s.Error = lines[len(lines)-1]
	}
	return s, nil
}

// awaitCalm waits until hardly anybody else runs: three looks in a row, a
// millisecond apart. A machine that never rests is measured all the same.
func (b *Bench) awaitCalm() {
	end := time.Now().Add(b.Calm)
	for quiet := 0; quiet < 3 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		quiet++
		if stage.Running() > 2 { // this program itself, and one other
			quiet = 0
		}
	}
}

// label completes a sample.
func label(s sample.Sample, c sample.Case, subject string, round int) sample.Sample {
	s.Case, s.Subject, s.Round = c, subject, round
	return s
}
