package suite

import (
	"errors"
	"fmt"

	"runcsync/bench/internal/container"
	"runcsync/bench/internal/sample"
	"runcsync/bench/internal/stage"
)

// start measures "--version": what a process of a runtime costs before it does
// anything. The subject "nothing" is a C program that ends at once.
var start = suite{
	name: "start",
	cases: func(b *Bench) []planned {
		if b.View != "hybrid" {
			return nil
		}
		return []planned{{rounds: b.pick(60, 300)}}
	},
	round: func(b *Bench, c sample.Case, round int) ([]sample.Sample, error) {
		subjects := append([]stage.Runtime{{Name: "nothing", Path: b.Stage.Rootfs() + "/bin/crowd"}}, b.Runtimes...)
		samples := make([]sample.Sample, len(subjects))
		for _, i := range turns(len(subjects), round) {
			argv := []string{subjects[i].Path, "--version"} // crowd takes it for 0 processes
			s, err := b.measure(subjects[i].Env, "", argv)
			if err != nil {
				return nil, err
			}
			samples[i] = label(s, c, subjects[i].Name, round)
		}
		return samples, nil
	},
}

// pick is few in the short mode, many in the full one.
func (b *Bench) pick(few, many int) int {
	if b.Full {
		return many
	}
	return few
}

// step is a command that is measured on a container in a certain state.
type step struct {
	name   string
	short  bool     // part of the short mode
	before []string // what brings the container there: "create", "run", "kill"
	args   []string
	rounds int // in the full mode
	times  int // it is measured in each round; the command leaves things as they were
}

const anExec = "/bin/crowd"

var steps = []step{
	{"create", true, nil, []string{"create", "-b", "BUNDLE", "ID"}, 120, 1},
	{"start", false, []string{"create"}, []string{"start", "ID"}, 120, 1},
	{"run", true, nil, []string{"run", "-d", "-b", "BUNDLE", "ID"}, 120, 1},
	{"exec", true, []string{"run"}, []string{"exec", "ID", anExec, "0"}, 40, 5},
	{"exec -d", false, []string{"run"}, []string{"exec", "-d", "ID", anExec, "0"}, 40, 5},
	{"state", true, []string{"run"}, []string{"state", "ID"}, 40, 5},
	{"ps", false, []string{"run"}, []string{"ps", "--format", "json", "ID"}, 40, 5},
	{"pause", false, []string{"run"}, []string{"pause", "ID"}, 120, 1},
	{"resume", false, []string{"run", "pause"}, []string{"resume", "ID"}, 120, 1},
	{"update", false, []string{"run"}, []string{"update", "--pids-limit", "100", "ID"}, 120, 5},
	{"events --stats", false, []string{"run"}, []string{"events", "--stats", "ID"}, 40, 5},
	{"kill TERM", false, []string{"run"}, []string{"kill", "ID", "TERM"}, 120, 1},
	{"kill KILL", true, []string{"run"}, []string{"kill", "ID", "KILL"}, 120, 1},
	{"delete", true, []string{"run", "kill"}, []string{"delete", "ID"}, 120, 1},
	{"spec", false, nil, []string{"spec", "-b", "EMPTY"}, 120, 1},
	{"features", false, nil, []string{"features"}, 40, 5},
}

// commands measures every other command against upstream's, in pairs, and list
// with many containers.
var commands = suite{name: "command", cases: commandCases, round: commandRound}

// listed is how many containers list has to list.
const listed = 500

func commandCases(b *Bench) []planned {
	var cases []planned
	for _, s := range steps {
		if b.View == "hybrid" && (b.Full || s.short) {
			cases = append(cases, planned{Case: sample.Case{Name: s.name}, rounds: b.pick(8, s.rounds)})
		}
	}
	if b.Full && b.View == "hybrid" {
		cases = append(cases, planned{Case: sample.Case{Name: "list", N: listed}, rounds: 1})
	}
	return cases
}

// pair are the runtimes that the commands are compared of.
func (b *Bench) pair() []stage.Runtime {
	var rs []stage.Runtime
	for _, name := range []string{"ours", "upstream", "before"} {
		if r, there := b.runtime(name); there {
			rs = append(rs, r)
		}
	}
	return rs
}

func commandRound(b *Bench, c sample.Case, round int) ([]sample.Sample, error) {
	if c.Name == "list" {
		return b.list(c, round)
	}
	var s step
	for _, one := range steps {
		if one.name == c.Name {
			s = one
		}
	}
	return b.step(s, c, round)
}

// step measures a step with each runtime, on a container of its own.
func (b *Bench) step(s step, c sample.Case, round int) (samples []sample.Sample, err error) {
	rs := b.pair()
	boxes := make([]*container.Container, len(rs))
	defer func() {
		for _, box := range boxes {
			if box != nil {
				err = errors.Join(err, box.Remove())
			}
		}
	}()
	// Whose command was the last before the measurement finds its pages in the
	// processor's caches, so each is that in half of the rounds of each order.
	for _, i := range turns(len(rs), round/2) {
		if boxes[i], err = b.brought(rs[i], s.before); err != nil {
			return nil, fmt.Errorf("%s: %w", rs[i].Name, err)
		}
	}
	return b.inTurns(rs, c, round, s.times, func(i int) []string { return s.command(boxes[i]) })
}

// inTurns measures a command of each runtime, the i-th one's by argv, a number of
// times in an order that changes. It must succeed.
func (b *Bench) inTurns(rs []stage.Runtime, c sample.Case, round, times int, argv func(i int) []string) (samples []sample.Sample, err error) {
	for turn := range times {
		for _, i := range turns(len(rs), round+turn) {
			s, err := b.measure(rs[i].Env, "", argv(i))
			if err == nil && s.Status != 0 {
				err = errors.New(s.Error)
			}
			if err != nil {
				return nil, fmt.Errorf("%v: %w", argv(i), err)
			}
			samples = append(samples, label(s, c, rs[i].Name, round))
		}
	}
	return samples, nil
}

// brought is a container that has been brought where a step wants it.
func (b *Bench) brought(r stage.Runtime, commands []string) (*container.Container, error) {
	c, err := b.container(r, container.Spec{Processes: 1})
	if err != nil {
		return nil, err
	}
	for _, before := range commands {
		switch before {
		case "run":
			err = c.Run()
		case "create":
			err = c.Create()
		case "kill":
			err = c.Kill()
		default:
			_, err = b.measure(r.Env, "", c.Command(before, c.ID))
		}
		if err != nil {
			return nil, errors.Join(err, c.Remove())
		}
	}
	return c, nil
}

// command is the step's command line for a container.
func (s step) command(c *container.Container) []string {
	argv := c.Command(s.args...)
	for i, arg := range argv {
		switch arg {
		case "ID":
			argv[i] = c.ID
		case "BUNDLE":
			argv[i] = c.Bundle()
		case "EMPTY":
			argv[i] = c.Dir
		}
	}
	return argv
}

// list measures list with many containers, sixty times a set of them.
func (b *Bench) list(c sample.Case, round int) (samples []sample.Sample, err error) {
	upstream, _ := b.runtime("upstream")
	var boxes []*container.Container
	defer func() {
		for _, box := range boxes {
			err = errors.Join(err, box.Remove())
		}
	}()
	for range c.N {
		box, err := b.container(upstream, container.Spec{Processes: 1})
		if err != nil {
			return nil, err
		}
		box.Shared = b.Dir + "/shared"
		boxes = append(boxes, box)
		if err := box.Run(); err != nil {
			return nil, err
		}
	}
	rs := b.pair()
	return b.inTurns(rs, c, round, 60, func(i int) []string {
		return []string{rs[i].Path, "--root", boxes[0].Root(), "list"}
	})
}
