package suite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"runcsync/bench/internal/container"
	"runcsync/bench/internal/sample"
	"runcsync/bench/internal/stage"
)

// ending is a way to end a container.
type ending struct {
	name    string
	runtime string
	argv    func(b *Bench, c *container.Container) []string
	few     bool // not with thousands of processes, nor in each round: nothing new is learned
}

// fewRounds is how many rounds such an ending has.
func (b *Bench) fewRounds() int { return b.pick(2, 8) }

func command(args ...string) func(*Bench, *container.Container) []string {
	return func(_ *Bench, c *container.Container) []string {
		argv := append([]string{}, args...)
		for i := range argv {
			if argv[i] == "ID" {
				argv[i] = c.ID
			}
		}
		return c.Command(argv...)
	}
}

// poll is what users write: kill, then look again and again until the runtime
// calls the container stopped.
func poll(pause string) func(*Bench, *container.Container) []string {
	return func(_ *Bench, c *container.Container) []string {
		const loop = `"$1" --root "$2" kill "$3" KILL || exit; until "$1" --root "$2" state "$3" | grep -q '"status": "stopped"'; do sleep ` + "%s; done"
		return []string{"/bin/sh", "-c", fmt.Sprintf(loop, pause), "sh", c.Runtime.Path, c.Root(), c.ID}
	}
}

// floor is the C program of that name.
func floor(b *Bench, c *container.Container) []string {
	return []string{b.Stage.Program("floor"), c.Dirs()[0], c.Init()}
}

var endings = []ending{
	{"runc kill --wait", "ours", command("kill", "--wait", "ID", "KILL"), false},
	{"upstream kill", "upstream", command("kill", "ID", "KILL"), false},
	{"floor", "upstream", floor, false},
	{"runc delete --force --wait", "ours", command("delete", "--force", "--wait", "ID"), false},
	{"upstream delete --force", "upstream", command("delete", "--force", "ID"), false},
	{"before: kill --wait", "before", command("kill", "--wait", "ID", "KILL"), false},
	{"before: delete --force --wait", "before", command("delete", "--force", "--wait", "ID"), false},
	{"runc delete --force", "ours", command("delete", "--force", "ID"), true},
	{"upstream kill, polled every 100 ms", "upstream", poll("0.1"), true},
	{"upstream kill, polled every 10 ms", "upstream", poll("0.01"), true},
	{"Debian's runc kill", "debian", command("kill", "ID", "KILL"), true},
	{"Debian's runc delete --force", "debian", command("delete", "--force", "ID"), true},
	{"crun kill", "crun", command("kill", "ID", "KILL"), true},
	{"crun delete --force", "crun", command("delete", "--force", "ID"), true},
}

// end measures the end of a container by each of the endings.
var end = suite{name: "end", cases: endCases, round: endRound}

func endCases(b *Bench) []planned {
	rounds := map[int]int{1: 20, 6: 20, 100: 30, 1000: 30, 10000: 20}
	sizes := []int{1, 6, 100, 1000, 10000}
	pids := []string{"host", "private"}
	if !b.Full {
		rounds = map[int]int{1: 4, 6: 4, 100: 4, 1000: 2}
		sizes = sizes[:4]
	}
	var cases []planned
	for _, n := range sizes {
		for _, p := range pids {
			if !b.Full && (p == "private" && n != 6 || b.View != "hybrid" && n == 1) {
				continue
			}
			cases = append(cases, planned{Case: sample.Case{PIDs: p, N: n}, rounds: rounds[n]})
		}
	}
	return cases
}

func endRound(b *Bench, c sample.Case, round int) ([]sample.Sample, error) {
	var subjects []ending
	for _, e := range endings {
		if _, there := b.runtime(e.runtime); there && (!e.few || c.N <= 1000 && round <= b.fewRounds()) {
			subjects = append(subjects, e)
		}
	}
	samples := make([]sample.Sample, len(subjects))
	for _, i := range turns(len(subjects), round) {
		r, _ := b.runtime(subjects[i].runtime)
		s, err := b.endOne(r, subjects[i], c, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", subjects[i].name, err)
		}
		samples[i] = label(s, c, subjects[i].name, round)
	}
	return samples, nil
}

// endOne runs a container, prepares it and measures its end.
func (b *Bench) endOne(r stage.Runtime, e ending, c sample.Case, prepare func(*container.Container) error) (s sample.Sample, err error) {
	box, err := b.running(r, container.Spec{Processes: c.N, HostPIDs: c.PIDs == "host"})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, box.Remove()) }()
	if prepare != nil {
		if err := prepare(box); err != nil {
			return s, err
		}
	}
	watched := filepath.Join(box.Dir, "watched")
	if err := box.Watch(watched); err != nil {
		return s, err
	}
	return b.measure(r.Env, watched, e.argv(b, box))
}

// crowdOfContainers ends fifty containers at once, by a command each.
var crowdOfContainers = suite{name: "fifty", cases: fiftyCases, round: fiftyRound}

const fifty = 50

func fiftyCases(b *Bench) []planned {
	if !b.Full && b.View != "hybrid" {
		return nil
	}
	rounds := 1
	if b.Full {
		rounds = 4
	}
	return []planned{{Case: sample.Case{PIDs: "private", N: fifty}, rounds: rounds}}
}

func fiftyRound(b *Bench, c sample.Case, round int) ([]sample.Sample, error) {
	subjects := endings[:5]
	samples := make([]sample.Sample, len(subjects))
	for _, i := range turns(len(subjects), round) {
		r, _ := b.runtime(subjects[i].runtime)
		s, err := b.fifty(r, subjects[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", subjects[i].name, err)
		}
		samples[i] = label(s, c, subjects[i].name, round)
	}
	return samples, nil
}

func (b *Bench) fifty(r stage.Runtime, e ending) (s sample.Sample, err error) {
	var argvs [][]string
	var boxes []*container.Container
	defer func() {
		for _, box := range boxes {
			err = errors.Join(err, box.Remove())
		}
	}()
	watched := filepath.Join(b.Dir, "watched")
	defer os.Remove(watched)
	for range fifty {
		box, err := b.running(r, container.Spec{Processes: 6})
		if err != nil {
			return s, err
		}
		boxes = append(boxes, box)
		if err := box.Watch(watched); err != nil {
			return s, err
		}
		argvs = append(argvs, e.argv(b, box))
	}
	return b.measure(r.Env, watched, argvs...)
}

// nested ends a container with many cgroups below its own.
var nested = suite{name: "nested", cases: nestedCases, round: nestedRound}

const cgroupsBelow = 1000

func nestedCases(b *Bench) []planned {
	if !b.Full && b.View != "v2" {
		return nil
	}
	rounds := 1
	if b.Full {
		rounds = 4
	}
	return []planned{{Case: sample.Case{PIDs: "host", N: cgroupsBelow}, rounds: rounds}}
}

func nestedRound(b *Bench, c sample.Case, round int) ([]sample.Sample, error) {
	subjects := endings[:5]
	if b.View == "v1" { // floor looks at one level only
		subjects = append(append([]ending{}, subjects[:2]...), subjects[3:]...)
	}
	samples := make([]sample.Sample, len(subjects))
	for _, i := range turns(len(subjects), round) {
		r, _ := b.runtime(subjects[i].runtime)
		few := c
		few.N = 100
		s, err := b.endOne(r, subjects[i], few, func(box *container.Container) error { return box.Nest(cgroupsBelow) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", subjects[i].name, err)
		}
		samples[i] = label(s, c, subjects[i].name, round)
	}
	return samples, nil
}
