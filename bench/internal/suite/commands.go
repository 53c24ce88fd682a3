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
}

const anExec = "/bin/crowd"

var steps = []step{
	{"create", true, nil, []string{"create", "-b", "BUNDLE", "ID"}, 50},
	{"start", false, []string{"create"}, []string{"start", "ID"}, 50},
	{"run", true, nil, []string{"run", "-d", "-b", "BUNDLE", "ID"}, 50},
	{"exec", true, []string{"run"}, []string{"exec", "ID", anExec, "0"}, 50},
	{"exec -d", false, []string{"run"}, []string{"exec", "-d", "ID", anExec, "0"}, 50},
	{"state", true, []string{"run"}, []string{"state", "ID"}, 50},
	{"ps", false, []string{"run"}, []string{"ps", "--format", "json", "ID"}, 50},
	{"pause", false, []string{"run"}, []string{"pause", "ID"}, 30},
	{"resume", false, []string{"run", "pause"}, []string{"resume", "ID"}, 30},
	{"update", false, []string{"run"}, []string{"update", "--pids-limit", "100", "ID"}, 30},
	{"events --stats", false, []string{"run"}, []string{"events", "--stats", "ID"}, 30},
	{"kill TERM", false, []string{"run"}, []string{"kill", "ID", "TERM"}, 50},
	{"kill KILL", true, []string{"run"}, []string{"kill", "ID", "KILL"}, 50},
	{"delete", true, []string{"run", "kill"}, []string{"delete", "ID"}, 50},
	{"spec", false, nil, []string{"spec", "-b", "EMPTY"}, 50},
	{"features", false, nil, []string{"features"}, 50},
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
	rs := b.pair()
	samples := make([]sample.Sample, len(rs))
	for _, i := range turns(len(rs), round) {
		got, err := b.step(rs[i], s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rs[i].Name, err)
		}
		samples[i] = label(got, c, rs[i].Name, round)
	}
	return samples, nil
}

func (b *Bench) step(r stage.Runtime, s step) (got sample.Sample, err error) {
	c, err := b.container(r, container.Spec{Processes: 1})
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, c.Remove()) }()
	for _, before := range s.before {
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
			return got, err
		}
	}
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
	if got, err = b.measure(r.Env, "", argv); err == nil && got.Status != 0 {
		err = fmt.Errorf("%v: %s", argv, got.Error)
	}
	return got, err
}

// list measures list with many containers, thirty times a set of them.
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
	for turn := range 30 {
		for _, i := range turns(len(rs), turn) {
			s, err := b.measure(nil, "", []string{rs[i].Path, "--root", boxes[0].Root(), "list"})
			if err != nil {
				return nil, err
			}
			samples = append(samples, label(s, c, rs[i].Name, round))
		}
	}
	return samples, nil
}
