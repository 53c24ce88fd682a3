package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"runcsync/bench/internal/sample"
)

// The subjects that the report compares.
const (
	kill            = "runc kill --wait"
	remove          = "runc delete --force --wait"
	upstreamKill    = "upstream kill"
	upstreamRemove  = "upstream delete --force"
	floor           = "floor"
	killBefore      = "before: kill --wait"
	removeBefore    = "before: delete --force --wait"
	ours, upstreams = "ours", "upstream"
	before          = "before"
)

func (r *report) text() string {
	r.printf("# Results\n\nWritten by `bench report`; `make bench-full` measures, and writes this page anew.\n\n")
	r.machine()
	r.targets()
	r.ends()
	r.peers()
	r.special()
	r.commands()
	r.costs()
	r.gains()
	return r.b.String()
}

func (r *report) machine() {
	if len(r.file.Machines) == 0 {
		return
	}
	m := r.file.Machines[len(r.file.Machines)-1]
	versions, missing := map[string]string{}, map[string]string{}
	dates := map[string]bool{}
	for _, one := range r.file.Machines {
		maps.Copy(versions, one.Versions)
		maps.Copy(missing, one.Missing)
		dates[one.Date] = true
	}
	r.printf("Measured on %s on %d cores of %s with %d GB, Linux %s, commit %s.\n",
		strings.Join(slices.Sorted(maps.Keys(dates)), ", "), m.Cores, m.CPU, m.MemoryGB, m.Kernel, m.Commit)
	r.printf("%s\n", r.company())
	r.printf("Times are in milliseconds, from the fork of a command to its end: medians, with quartiles in parentheses.\n")
	r.printf("In each round every subject has its turn on a container of its own, in changing order; ratios are of medians of the same rounds.\n\n")
	r.printf("| runtime | version |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		r.printf("| %s | %s |\n", name, versions[name])
	}
	r.printf("| floor | a C program, [c/floor.c](c/floor.c), that lists, kills and waits, and nothing else |\n\n")
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		r.printf("- %s: not measured, since it can't run a container there: %s\n", name, lastPart(missing[name]))
	}
	r.printf("\n")
}

// company says what else the machine did.
func (r *report) company() string {
	var low, high float64
	nice := 0
	for i, m := range r.file.Machines {
		load, _ := strconv.ParseFloat(m.Load, 64)
		if low = min(low, load); i == 0 {
			low = load
		}
		high, nice = max(high, load), min(nice, m.Nice)
	}
	s := fmt.Sprintf("Load averages when measurements began: %.1f to %.1f.", low, high)
	if nice < 0 {
		s += fmt.Sprintf(" The machine had other work to do; the measurements ran before it, at nice %d.", nice)
	}
	return s
}

// lastPart is what a failed command said, without its command line.
func lastPart(s string) string {
	if _, said, ok := strings.Cut(s, `\n": `); ok {
		return "`" + said + "`"
	}
	return "`" + s + "`"
}

// target is a row of the table of targets.
type target struct {
	what  string
	limit float64
	worst float64
	where string
}

// add takes one case into account.
func (t *target) add(ratio float64, where string) {
	if ratio > t.worst {
		t.worst, t.where = ratio, where
	}
}

func (r *report) targets() {
	removal := target{what: "`delete --force --wait`, 6 processes, host PID namespace, to upstream's `delete --force`", limit: 0.12}
	small := target{what: "`kill --wait KILL` to upstream's `kill KILL` + floor, 1 to 1,000 processes", limit: 1.10}
	large := target{what: "the same, 10,000 processes", limit: 1.05}
	growth := target{what: "growth of `kill --wait` from 1,000 to 10,000 processes to the floor's", limit: 1.10}
	memory := target{what: "peak memory at 10,000 processes to upstream's `kill`", limit: 1.20}
	other := target{what: "every other command to upstream's", limit: 1.02}
	waiting := target{what: "CPU time while waiting 5 s for a survivor, ms", limit: 2}
	for _, c := range sorted(r.cases("end")) {
		where := fmt.Sprintf("%s, %s, %d", c.View, c.PIDs, c.N)
		k, u, f := r.of(c, kill), r.of(c, upstreamKill), r.of(c, floor)
		ratio := median(k) / (median(u) + median(f))
		if c.N <= 1000 {
			small.add(ratio, where)
		} else {
			large.add(ratio, where)
			rss := func(s sample.Sample) int64 { return s.RSSKB }
			memory.add(float64(most(k, rss))/float64(most(u, rss)), where)
			thousand := c
			thousand.N = 1000
			if k0, f0 := median(r.of(thousand, kill)), median(r.of(thousand, floor)); k0 > 0 && f0 > 0 {
				growth.add((median(k)-k0)/(median(f)-f0), where)
			}
		}
		if c.N == 6 && c.PIDs == "host" {
			removal.add(median(r.of(c, remove))/median(r.of(c, upstreamRemove)), where)
		}
	}
	for _, c := range r.cases("command") {
		if strings.HasPrefix(c.Name, "kill KILL") {
			continue
		}
		ratio, _ := paired(r.of(c, ours), r.of(c, upstreams))
		other.add(ratio, c.Name+", "+c.View)
	}
	for _, c := range r.cases("survivor") {
		for _, s := range r.of(c, kill) {
			waiting.add(float64(s.CPUNs)/1e6, c.View)
		}
	}
	r.printf("## Targets\n\n| what | target, at most | highest measured | where | met |\n|---|---|---|---|---|\n")
	for _, t := range []target{removal, small, large, growth, other, memory, waiting} {
		if t.where == "" {
			continue
		}
		met := "yes"
		if t.worst > t.limit {
			met = "**no**"
		}
		r.printf("| %s | %.2f | %.3f | %s | %s |\n", t.what, t.limit, t.worst, t.where, met)
	}
	r.printf("\n")
}

func (r *report) ends() {
	if r.plots {
		r.printf("## The end of a container\n\n![time against number of processes](latency.svg)\n\n![distribution](delete.svg)\n\n")
	} else {
		r.printf("## The end of a container\n\n")
	}
	r.printf("| layout | PIDs | processes | rounds | kill --wait | upstream kill | floor | kill --wait to upstream kill + floor | delete --force --wait | upstream delete --force | ratio |\n")
	r.printf("|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range sorted(r.cases("end")) {
		k, u, f := r.of(c, kill), r.of(c, upstreamKill), r.of(c, floor)
		d, ud := r.of(c, remove), r.of(c, upstreamRemove)
		ratio, _ := paired(d, ud)
		r.printf("| %s | %s | %d | %d | %s | %s | %s | %.2f | %s | %s | %.3f |\n", c.View, c.PIDs, c.N, len(k),
			spread(k, milliseconds), spread(u, milliseconds), spread(f, milliseconds), median(k)/(median(u)+median(f)),
			spread(d, milliseconds), spread(ud, milliseconds), ratio)
	}
	r.printf("\n")
}

func (r *report) peers() {
	r.printf("## What was still alive\n\nProcesses that lived when the command had ended, as seen in /proc by the program that ran it: their median and\nlargest number, how many rounds left any, and when the last one was gone.\n\n")
	r.printf("| layout | PIDs | processes | command | ms | alive: median | most | rounds | gone after, ms | failed |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range sorted(r.cases("end")) {
		for _, name := range r.subjects(c) {
			if name != killBefore && name != removeBefore {
				r.aliveRow(c, name)
			}
		}
	}
	r.printf("\n")
}

func (r *report) aliveRow(c sample.Case, name string) {
	samples := r.of(c, name)
	left, failed, last := 0, 0, ""
	var gone []sample.Sample
	for _, s := range samples {
		if s.Alive > 0 {
			left++
			if s.GoneNs < 0 {
				last = "not within 1 s"
			} else {
				gone = append(gone, sample.Sample{Ns: s.GoneNs})
			}
		}
		if s.Status != 0 {
			failed++
		}
	}
	if last == "" && len(gone) > 0 {
		last = number(median(gone))
	}
	alive := summary(samples, func(s sample.Sample) float64 { return float64(s.Alive) }).Center
	most := most(samples, func(s sample.Sample) int64 { return int64(s.Alive) })
	r.printf("| %s | %s | %d | %s | %s | %.0f | %d | %d of %d | %s | %d |\n", c.View, c.PIDs, c.N, name,
		spread(samples, milliseconds), alive, most, left, len(samples), last, failed)
}

func (r *report) special() {
	titles := map[string]string{
		"fifty":  "Fifty containers at once, six processes each, a command each",
		"nested": "A container with 1,000 cgroups below its own, and 100 processes in them",
		"execs":  "A kill while fifty execs a second arrive",
	}
	for _, suite := range []string{"fifty", "nested", "execs"} {
		cases := r.cases(suite)
		if len(cases) == 0 {
			continue
		}
		r.printf("## %s\n\n| layout | command | rounds | ms | CPU, ms | alive at most | came later, at most | failed |\n|---|---|---|---|---|---|---|---|\n", titles[suite])
		for _, c := range cases {
			for _, name := range r.subjects(c) {
				samples := r.of(c, name)
				failed := 0
				for _, s := range samples {
					if s.Status != 0 {
						failed++
					}
				}
				r.printf("| %s | %s | %d | %s | %s | %d | %d | %d |\n", c.View, name, len(samples), spread(samples, milliseconds), spread(samples, cpuMilliseconds),
					most(samples, func(s sample.Sample) int64 { return int64(s.Alive) }), most(samples, func(s sample.Sample) int64 { return int64(s.Late) }), failed)
			}
		}
		r.printf("\n")
	}
}

func (r *report) commands() {
	cases := append(r.cases("start"), r.cases("command")...)
	r.printf("## Other commands\n\n| command | times | ours | upstream's | ratio | 95 %% interval of the pairs' |\n|---|---|---|---|---|---|\n")
	for _, c := range cases {
		name := c.Name
		if c.Suite == "start" {
			name = "--version"
		}
		if c.N > 0 {
			name += fmt.Sprintf(", %d containers", c.N)
		}
		o, u := r.of(c, ours), r.of(c, upstreams)
		ratio, interval := paired(o, u)
		r.printf("| %s | %d | %s | %s | %.3f | %.3f-%.3f |\n", name, len(o), spread(o, milliseconds), spread(u, milliseconds), ratio, interval.Lo, interval.Hi)
	}
	for _, c := range r.cases("start") {
		if s := r.of(c, "nothing"); len(s) > 0 {
			r.printf("\nA static C program that ends at once takes %s.\n", spread(s, milliseconds))
		}
	}
	r.printf("\n")
}

func (r *report) costs() {
	r.printf("## What it costs\n\nSystem calls and descriptors under ptrace, host PID namespace; CPU time and peak memory from the rounds above. \"Own\" is without\ncalls of the Go runtime for its threads and memory.\n\n")
	r.printf("| layout | processes | command | calls | own | descriptors | CPU, ms | peak memory, MB |\n|---|---|---|---|---|---|---|---|\n")
	for _, c := range sorted(r.cases("cost")) {
		for _, name := range r.subjects(c) {
			s := r.of(c, name)[0]
			timed := c
			timed.Suite = "end"
			t := r.of(timed, name)
			if len(t) == 0 || name == killBefore || name == removeBefore {
				continue
			}
			r.printf("| %s | %d | %s | %d | %d | %d | %s | %.1f |\n", c.View, c.N, name, s.Calls, s.OwnCalls, s.FDs,
				number(summary(t, cpuMilliseconds).Center), float64(most(t, func(s sample.Sample) int64 { return s.RSSKB }))/1024)
		}
	}
	r.printf("\nCPU time of five seconds of waiting for a container that ignores TERM, after the first one:\n\n| layout | command | ms |\n|---|---|---|\n")
	for _, c := range r.cases("survivor") {
		for _, name := range r.subjects(c) {
			if name != killBefore {
				r.printf("| %s | %s | %s |\n", c.View, name, number(summary(r.of(c, name), func(s sample.Sample) float64 { return float64(s.CPUNs) / 1e6 }).Center))
			}
		}
	}
	r.printf("\n")
}

// gains compares with an earlier build that was measured in the same rounds.
func (r *report) gains() {
	rows := 0
	row := func(c sample.Case, name, was string) {
		now, old := r.of(c, name), r.of(c, was)
		if len(old) == 0 || len(now) == 0 {
			return
		}
		if rows++; rows == 1 {
			r.printf("## Before and after\n\nThe build before it was made faster, in the same rounds.\n\n")
			r.printf("| what | before | after | ratio | CPU before | after | peak memory before, MB | after |\n|---|---|---|---|---|---|---|---|\n")
		}
		ratio, _ := paired(now, old)
		rss := func(s sample.Sample) int64 { return s.RSSKB }
		r.printf("| %s %s | %s | %s | %.3f | %s | %s | %.1f | %.1f |\n", c, name, spread(old, milliseconds), spread(now, milliseconds), ratio,
			number(summary(old, cpuMilliseconds).Center), number(summary(now, cpuMilliseconds).Center), float64(most(old, rss))/1024, float64(most(now, rss))/1024)
	}
	for _, c := range r.cases("start") {
		row(c, ours, before)
	}
	for _, c := range sorted(r.cases("end")) {
		row(c, kill, killBefore)
		row(c, remove, removeBefore)
	}
	if rows > 0 {
		r.printf("\n")
	}
}
