package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v3"
	"golang.org/x/sys/unix"

	"runcsync/internal/logging"
	"runcsync/internal/printable"
	"runcsync/internal/statedir"
	"runcsync/internal/statusline"
	"runcsync/internal/stdio"
	"runcsync/libcontainer/drain"
	"runcsync/libcontainer/synckill"
)

// timedOut is the exit status of a wait that ended with processes left, as
// that of timeout(1).
const timedOut = 124

// waitFlags are what kill and delete have in common.
func waitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "wait", Usage: "return when every process of the container is gone"},
		&cli.DurationFlag{Name: "timeout", Value: synckill.DefaultTimeout, Usage: "give up after `DURATION` with exit status 124, naming who is left"},
		&cli.StringFlag{Name: "format", Value: "text", Usage: "report what was done as `FORMAT`: text, which is silent, or json"},
	}
}

// waiting is how a kill or delete is to wait, as the command line has it.
type waiting struct {
	synckill.Request
	wait bool
	json bool
	line *statusline.Line
}

// newWaiting reads the wait flags and refuses what makes no sense together.
func newWaiting(cmd *cli.Command) (*waiting, error) {
	w := &waiting{wait: cmd.Bool("wait"), line: statusline.On(os.Stderr)}
	for _, flag := range []string{"timeout", "kill-after", "format"} {
		if cmd.IsSet(flag) && !w.wait {
			return nil, fmt.Errorf("--%s needs --wait", flag)
		}
	}
	if w.Timeout = cmd.Duration("timeout"); w.Timeout <= 0 {
		return nil, fmt.Errorf("--timeout must be greater than 0, not %s", w.Timeout)
	}
	if d := cmd.Duration("kill-wait"); d < 0 {
		return nil, fmt.Errorf("--kill-wait must not be negative, but is %s", d)
	}
	if d := cmd.Duration("kill-wait-max"); d < 0 {
		return nil, fmt.Errorf("--kill-wait-max must not be negative, but is %s", d)
	}
	switch format := cmd.String("format"); format {
	case "text":
	case "json":
		w.json, w.Count = true, true
	default:
		return nil, fmt.Errorf("invalid format option %q: it is text or json", format)
	}
	return w, nil
}

// since is the same wait, begun at the time given.
func (w *waiting) since(began time.Time) *waiting {
	left := *w
	left.Timeout = max(w.Timeout-time.Since(began), time.Millisecond)
	return &left
}

// opt settles whether a SIGKILL or delete waits that was not asked to: the
// global flag decides, and where it is not given the container's annotation.
func (w *waiting) opt(cmd *cli.Command, c *synckill.Container) {
	if w.wait {
		return
	}
	limit := cmd.Duration("kill-wait")
	if !cmd.IsSet("kill-wait") {
		var err error
		limit, err = c.AnnotatedWait(cmd.Duration("kill-wait-max"))
		if long, ok := errors.AsType[*synckill.LongWaitError](err); ok {
			logrus.Warnf("container %s: %v, so %s it is (--kill-wait-max)", c.ID(), long, limit)
		} else if err != nil {
			logrus.Warnf("container %s: %v; not waiting", c.ID(), err)
		}
	}
	if limit > 0 {
		w.wait, w.Timeout = true, limit
	}
}

// optUnread is opt for a container of which no state can be read: the global flag
// alone decides.
func (w *waiting) optUnread(cmd *cli.Command) {
	if limit := cmd.Duration("kill-wait"); !w.wait && limit > 0 {
		w.wait, w.Timeout = true, limit
	}
}

// mayOpt tells whether opt could come to another result than not to wait, as
// far as can be told without decoding the container's state.
func (w *waiting) mayOpt(cmd *cli.Command) bool {
	return cmd.IsSet("kill-wait") || cmd.Duration("kill-wait-max") > 0 && statedir.Mentions(cmd.String("root"), cmd.Args().First(), synckill.WaitAnnotation)
}

// run carries out the wait: until it is done, its time is up, or SIGINT or
// SIGTERM comes.
func (w *waiting) run(do func(context.Context, synckill.Request) (*synckill.Report, error)) error {
	// Not undone at the end: timeout(1) sends its signal twice, and the second one
	// would end the command before it has said what has happened.
	ctx, _ := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	if log := logging.Steps(); log != nil {
		w.Log = log
	}
	if w.line != nil {
		w.Progress = func(left int, elapsed time.Duration) {
			w.line.Show("waiting for %d processes to end, %s", left, elapsed.Round(100*time.Millisecond))
		}
	}
	report, err := do(ctx, w.Request)
	w.line.Clear()
	if report != nil && w.json && !errors.Is(err, synckill.ErrChanged) {
		err = tell(report, err)
	}
	if t := (*drain.TimeoutError)(nil); errors.As(err, &t) {
		return &logging.ExitError{Err: report.Explain(err), Status: timedOut}
	}
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("stopped waiting: %w", err)
	}
	return err
}

// tell prints the report. That it is lost is an error, whatever came of the
// command, but does not change what is said about that.
func tell(report *synckill.Report, err error) error {
	lost := json.NewEncoder(printable.JSON(stdio.Out())).Encode(report)
	switch {
	case lost == nil:
		return err
	case err == nil:
		return fmt.Errorf("all is done, but the report of it is lost: %w", lost)
	}
	return errors.Join(err, fmt.Errorf("the report is lost: %w", lost))
}

// outliveReaders has a write to a pipe or terminal that nobody reads any more
// fail, as one to a full disk does, where it would end runc in the middle of its
// work. SIGPIPE is caught and not ignored, since the hooks that runc starts would
// inherit that.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE) }

// syncContainer reads the state of the container that the command names, and
// loads it when more is needed.
func syncContainer(cmd *cli.Command) (*synckill.Container, error) {
	id, err := containerID(cmd)
	if err != nil {
		return nil, err
	}
	root := cmd.String("root")
	read := func() (*libcontainer.State, error) { return statedir.Read(root, id) }
	load := func() (*libcontainer.Container, error) { return statedir.Load(root, id) }
	return synckill.Open(filepath.Join(root, id), read, load)
}

// loadedContainer is for what is not going to wait: libcontainer loads the
// container, and its state is decoded only once.
func loadedContainer(cmd *cli.Command) (*synckill.Container, error) {
	c, err := loadContainer(cmd)
	if err != nil {
		return nil, err
	}
	return synckill.New(c, filepath.Join(cmd.String("root"), c.ID()))
}
