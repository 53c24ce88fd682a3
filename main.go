// Command runc is an OCI runtime: it creates, runs and ends containers from
// OCI bundles. It is a drop-in for opencontainers/runc, on whose libcontainer
// it is built, with one addition: kill and delete can wait until every process
// of the container is gone.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	_ "github.com/opencontainers/cgroups/devices" // lets the cgroup managers set device rules
	"github.com/opencontainers/runc/libcontainer/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v3"

	"runcsync/internal/logging"
	"runcsync/internal/statedir"
	"runcsync/libcontainer/synckill"
)

// version names the upstream release whose behaviour this runtime matches and,
// as build metadata, this project's own release. gitCommit is set by the linker.
var (
	version   = "1.5.2+sync.0.1.0"
	gitCommit = ""
)

func main() {
	app := newApp()
	cli.VersionPrinter = func(*cli.Command) { printVersion(app) }
	if err := app.Run(context.Background(), os.Args); err != nil {
		os.Exit(logging.Report(err))
	}
}

// newApp assembles the command line: the global flags and one command a file.
func newApp() *cli.Command {
	dir := statedir.Default()
	app := &cli.Command{
		Name:    "runc",
		Usage:   "Open Container Initiative runtime, which can tell that a container has ended", // scripts look for upstream's phrase
		Version: version,
		Description: `A container is described by a bundle: a directory with a config.json and a root
filesystem. "runc run -b BUNDLE ID" starts one in the foreground; "runc create"
and "runc start" do it in two steps. "runc kill --wait" and
"runc delete --force --wait" return when every process of the container is gone.`,
		// A global flag belongs before the command, as upstream has it.
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "debug", Local: true, Usage: "log each step"},
			&cli.StringFlag{Name: "log", Local: true, Usage: "append the log to `FILE` instead of standard error"},
			&cli.StringFlag{Name: "log-format", Local: true, Value: "text", Usage: "write the log as `FORMAT`: text or json"},
			&cli.StringFlag{Name: "root", Local: true, Value: dir.Path, Usage: "keep the state of containers in `DIR`, best on a tmpfs"},
			&cli.BoolFlag{Name: "systemd-cgroup", Local: true, Usage: "make cgroups through systemd; cgroupsPath is then slice:prefix:name"},
			&cli.StringFlag{Name: "rootless", Local: true, Value: "auto", Usage: "go on where cgroups may not be written: true, false or auto"},
			&cli.DurationFlag{Name: "kill-wait", Local: true, Usage: "make KILL and delete wait for up to `DURATION`, as with --wait; 0 turns the container's annotation off"},
			&cli.DurationFlag{Name: "kill-wait-max", Local: true, Value: synckill.MaxAnnotatedWait, Usage: "wait for `DURATION` at most because of a container's annotation; 0 turns annotations off"},
		},
		DisableSliceFlagSeparator: true,
		Before: func(ctx context.Context, cmd *cli.Command) (context.Context, error) {
			if err := useStateDir(cmd, dir); err != nil {
				return ctx, err
			}
			return ctx, logging.Configure(logging.Options{
				Debug:  cmd.Bool("debug"),
				File:   cmd.String("log"),
				Format: cmd.String("log-format"),
			})
		},
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // main reports
		Commands: []*cli.Command{
			checkpointCommand(),
			createCommand(),
			deleteCommand(),
			eventsCommand(),
			execCommand(),
			featuresCommand(),
			killCommand(),
			listCommand(),
			pauseCommand(),
			psCommand(),
			restoreCommand(),
			resumeCommand(),
			runCommand(),
			specCommand(),
			startCommand(),
			stateCommand(),
			updateCommand(),
		},
	}
	app.OnUsageError = usageError
	for _, c := range app.Commands {
		// A container may be called "help".
		c.HideHelpCommand = true
		c.DisableSliceFlagSeparator = true
		c.OnUsageError = usageError
	}
	return app
}

// usageError has a wrong flag reported in one line, like any other error.
func usageError(_ context.Context, _ *cli.Command, err error, _ bool) error { return err }

// useStateDir settles --root before any command runs.
func useStateDir(cmd *cli.Command, dir statedir.Dir) error {
	if !cmd.IsSet("root") {
		return dir.Prepare()
	}
	root, err := statedir.Clean(cmd.String("root"))
	if err != nil {
		return err
	}
	return cmd.Set("root", root)
}

// wantArgs refuses a wrong number of arguments, after showing the help of the
// command; most below 0 means any number.
func wantArgs(cmd *cli.Command, least, most int) error {
	var need string
	switch n := cmd.NArg(); {
	case least == most && n != least:
		need = fmt.Sprintf("exactly %d", least)
	case n < least:
		need = fmt.Sprintf("a minimum of %d", least)
	case most >= 0 && n > most:
		need = fmt.Sprintf("a maximum of %d", most)
	default:
		return nil
	}
	fmt.Fprint(cmd.Root().Writer, "Incorrect Usage.\n\n")
	if err := cli.ShowSubcommandHelp(cmd); err != nil {
		return err
	}
	return fmt.Errorf("%s: %q requires %s argument(s)", os.Args[0], cmd.Name, need)
}

// containerID is the command's first argument.
func containerID(cmd *cli.Command) (string, error) {
	id := cmd.Args().First()
	if id == "" {
		return "", errors.New("container id cannot be empty")
	}
	return id, nil
}

func printVersion(app *cli.Command) {
	lines := []string{"runc version " + version}
	if gitCommit != "" {
		lines = append(lines, "commit: "+gitCommit)
	}
	lines = append(lines, "spec: "+specs.Version, "go: "+runtime.Version())
	if major, minor, micro := seccomp.Version(); major > 0 {
		lines = append(lines, fmt.Sprintf("libseccomp: %d.%d.%d", major, minor, micro))
	}
	fmt.Fprintln(app.Writer, strings.Join(lines, "\n"))
}
