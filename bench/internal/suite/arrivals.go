package suite

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"runcsync/bench/internal/container"
	"runcsync/bench/internal/sample"
	"runcsync/bench/internal/stage"
)

// arrivals ends a container while fifty execs a second arrive. What comes after
// the command has ended is counted for half a second.
var arrivals = suite{
	name: "execs",
	cases: func(b *Bench) []planned {
		if !b.Full && b.View != "hybrid" {
			return nil
		}
		return []planned{{Case: sample.Case{PIDs: "host", N: 6}, rounds: b.pick(2, 8)}}
	},
	round: func(b *Bench, c sample.Case, round int) ([]sample.Sample, error) {
		subjects := endings[:2]
		samples := make([]sample.Sample, len(subjects))
		for _, i := range turns(len(subjects), round) {
			r, _ := b.runtime(subjects[i].runtime)
			s, err := b.arrive(r, subjects[i], c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", subjects[i].name, err)
			}
			samples[i] = label(s, c, subjects[i].name, round)
		}
		return samples, nil
	},
}

const execPause = 20 * time.Millisecond

func (b *Bench) arrive(r stage.Runtime, e ending, c sample.Case) (s sample.Sample, err error) {
	box, err := b.running(r, container.Spec{Processes: c.N, HostPIDs: true})
	if err != nil {
		return s, err
	}
	var running sync.WaitGroup
	stop := make(chan struct{})
	done := make(chan struct{})
	defer func() {
		close(stop)
		<-done
		running.Wait()
		err = errors.Join(err, box.Remove())
	}()
	go func() {
		defer close(done)
		for tick := time.NewTicker(execPause); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				argv := box.Command("exec", "-d", box.ID, "/bin/crowd", "1")
				running.Go(func() { _ = exec.Command(argv[0], argv[1:]...).Run() }) // it fails once the container has ended
			}
		}
	}()
	time.Sleep(10 * execPause)
	watched := filepath.Join(box.Dir, "watched")
	if err := box.Watch(watched); err != nil {
		return s, err
	}
	if s, err = b.measure(r.Env, watched, e.argv(b, box)); err != nil {
		return s, err
	}
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s.Late = max(s.Late, len(box.Pids()))
	}
	return s, nil
}
