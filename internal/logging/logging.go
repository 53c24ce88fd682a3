// Package logging sets up logrus the way engines expect runc's log: text on
// standard error, or lines of text or JSON appended to a file that the engine
// names and parses (keys level, msg and time).
package logging

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"

	"github.com/sirupsen/logrus"

	"runcsync/internal/printable"
)

// Options are the global flags --debug, --log and --log-format.
type Options struct {
	Debug  bool
	File   string // "" is standard error
	Format string // "text", "json" or "", which is text
}

// Configure applies o to logrus' standard logger. It is called once, early.
func Configure(o Options) error {
	if o.Debug {
		logrus.SetLevel(logrus.DebugLevel)
		logrus.SetReportCaller(true)
	}
	switch o.Format {
	case "", "text":
		logrus.SetFormatter(newText(o.Debug))
	case "json":
		logrus.SetFormatter(asJSON{&logrus.JSONFormatter{}})
	default:
		return errors.New("invalid log-format: " + o.Format)
	}
	if o.File == "" {
		return nil
	}
	// O_SYNC: an engine reads the log as soon as runc has ended.
	f, err := os.OpenFile(o.File, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_SYNC, 0o644)
	if err != nil {
		return err
	}
	logrus.SetOutput(f)
	return nil
}

// asText is a log for people: messages in one line, and nothing in them that a
// terminal would act on. (What logrus itself writes to a terminal is not quoted.)
type asText struct{ logrus.Formatter }

func newText(debug bool) asText {
	f := &logrus.TextFormatter{}
	if debug {
		f.CallerPrettyfier = shortCaller
	}
	return asText{f}
}

func (f asText) Format(e *logrus.Entry) ([]byte, error) {
	e.Message = printable.Line(e.Message)
	return f.Formatter.Format(e)
}

// asJSON is a log for engines, which show messages to people: those are
// escaped, but for line feeds. Fields stay exact.
type asJSON struct{ logrus.Formatter }

func (f asJSON) Format(e *logrus.Entry) ([]byte, error) {
	e.Message = printable.Lines(e.Message)
	text, err := f.Formatter.Format(e)
	return printable.EscapeJSON(text), err
}

// shortCaller shortens the caller that debug messages carry to function and
// base name.
func shortCaller(f *runtime.Frame) (function, file string) {
	return filepath.Base(f.Function) + "()", filepath.Base(f.File) + ":" + strconv.Itoa(f.Line)
}

// Steps returns a logger for packages that log steps as key and value pairs,
// the way log/slog does; nil if debug messages are off. (log/slog itself would
// add a hundred kilobytes to the binary.)
func Steps() *StepLogger {
	if !logrus.IsLevelEnabled(logrus.DebugLevel) {
		return nil
	}
	return &StepLogger{}
}

// StepLogger writes steps to logrus at level debug.
type StepLogger struct{}

// Debug logs one step with its keys and values as fields.
func (*StepLogger) Debug(step string, pairs ...any) {
	fields := make(logrus.Fields, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		if key, ok := pair[0].(string); ok && len(pair) == 2 {
			fields[key] = pair[1]
		}
	}
	logrus.WithFields(fields).Debug(step)
}

// ExitError is an error that asks for an exit status other than 1.
type ExitError struct {
	Err    error
	Status int
}

func (e *ExitError) Error() string { return e.Err.Error() }
func (e *ExitError) Unwrap() error { return e.Err }

// exitCoder is what cli's own errors are, for example that of an unknown command.
type exitCoder interface {
	error
	ExitCode() int
}

// Report writes err to the log and, where the log is a file, to standard error
// as well. It returns the exit status: 1, or the one that the error asks for.
func Report(err error) int {
	if _, early := logrus.StandardLogger().Formatter.(*logrus.TextFormatter); early {
		logrus.SetFormatter(newText(false)) // the command line was wrong
	}
	logrus.Error(printable.Flat(err))
	if logrus.StandardLogger().Out != os.Stderr {
		fmt.Fprintln(os.Stderr, printable.Error(err))
	}
	if e, ok := errors.AsType[*ExitError](err); ok {
		return e.Status
	}
	// Not one that err wraps: that of a hook which failed has a status as well.
	if e, ok := err.(exitCoder); ok { //nolint:errorlint // see above
		return e.ExitCode()
	}
	return 1
}
