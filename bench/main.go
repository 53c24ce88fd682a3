// Command bench measures how far a synchronous kill is from what the kernel
// needs for it, and from what users would otherwise run; and makes a report of
// the measurements.
//
//	bench run [-full] [-data FILE] [-for 3m] [-only REGEXP] [-baseline BINARY]
//	bench report [-data FILE] [-o FILE]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"runcsync/bench/internal/container"
	"runcsync/bench/internal/report"
	"runcsync/bench/internal/sample"
	"runcsync/bench/internal/stage"
	"runcsync/bench/internal/suite"
)

// more is the exit status of a run whose time is up before all is measured.
const more = 75

var errMore = errors.New("there is more to measure")

func main() {
	err := errors.New("usage: bench run|report [flags]")
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "run":
			err = run(os.Args[2:])
		case "report":
			err = report.Command(os.Args[2:])
		}
	}
	switch {
	case errors.Is(err, errMore):
		os.Exit(more)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are run's flags.
type options struct {
	full                            bool
	data, only, repo, stage, view   string
	ours, upstream, baseline, peers string
	limit, calm                     time.Duration
}

func (o *options) parse(args []string) error {
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	f.BoolVar(&o.full, "full", false, "all sizes and layouts, many rounds")
	f.StringVar(&o.data, "data", "results.jsonl", "append to `FILE`; what is in it is not measured again")
	f.StringVar(&o.only, "only", "", "only cases whose name matches `REGEXP`")
	f.DurationVar(&o.limit, "for", 24*time.Hour, "begin no round after `DURATION`; exit status 75 if more is to be done")
	f.DurationVar(&o.calm, "calm", 0, "put each measurement off for up to `DURATION` while other processes run")
	f.StringVar(&o.repo, "repo", "..", "the runtime's sources")
	f.StringVar(&o.ours, "ours", "../runc", "the runtime")
	f.StringVar(&o.upstream, "upstream", "../tests/cmd/_bin/upstream-runc", "upstream's")
	f.StringVar(&o.baseline, "baseline", "", "an earlier build, to be measured beside the present one")
	f.StringVar(&o.peers, "peers", "", "`DIRECTORY` of the distribution's runtimes, see bench/peers")
	f.StringVar(&o.stage, "stage", "", "internal")
	f.StringVar(&o.view, "view", "", "internal")
	return f.Parse(args)
}

func run(args []string) error {
	var o options
	if err := o.parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("measuring needs root: it mounts cgroup file systems in a mount namespace, and runs containers")
	}
	if o.view != "" {
		return inView(o)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := (stage.Stage{Dir: dir, Repo: o.repo}).Build(); err != nil {
		return err
	}
	if err := container.Sweep(); err != nil {
		return err
	}
	began := time.Now()
	var unfinished error
	for i, view := range stage.Views {
		if why := stage.Missing(view); why != "" {
			fmt.Fprintf(os.Stderr, "view %s is not measured: %s\n", view, why)
			continue
		}
		// What is left of the time is shared by the views that are left.
		share := (o.limit - time.Since(began)) / time.Duration(len(stage.Views)-i)
		if share <= 0 {
			return errMore
		}
		// Of a flag that is given twice the last one counts.
		cmd := stage.InView(slices.Concat([]string{"run"}, args, []string{"-view", view, "-stage", dir, "-for", share.String()})...)
		if err := cmd.Run(); err != nil {
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == more {
				unfinished = errMore
				continue
			}
			return fmt.Errorf("view %s: %w", view, err)
		}
	}
	return unfinished
}

// inView measures in one view, of whose mount namespace it is.
func inView(o options) error {
	if err := stage.Enter(o.view); err != nil {
		return err
	}
	data, err := sample.Load(o.data)
	if err != nil {
		return err
	}
	st := stage.Stage{Dir: o.stage, Repo: o.repo}
	b := &suite.Bench{Stage: st, Dir: st.Dir, View: o.view, Full: o.full, Calm: o.calm}
	if b.Runtimes, err = st.Runtimes(o.ours, o.upstream, o.baseline, o.peers); err != nil {
		return err
	}
	all := slices.Clone(b.Runtimes)
	missing := b.Probe()
	for _, own := range []string{"ours", "upstream"} {
		if why, bad := missing[own+", "+o.view]; bad {
			return errors.New(why)
		}
	}
	if err := data.AddMachine(st.Describe(time.Now().Format(time.DateOnly), all, missing)); err != nil {
		return err
	}
	w := suite.Options{Deadline: time.Now().Add(o.limit), Progress: os.Stderr, Terminal: isTerminal(os.Stderr)}
	if o.only != "" {
		if w.Only, err = regexp.Compile(o.only); err != nil {
			return err
		}
	}
	complete, err := b.Run(data, w)
	if err == nil && !complete {
		err = errMore
	}
	return err
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && !strings.HasSuffix(f.Name(), "null")
}
