package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/utils"
	"github.com/opencontainers/runtime-spec/specs-go"

	"runcsync/internal/bundle"
	"runcsync/internal/statedir"
)

// Exec is a further process for a container that exists.
type Exec struct {
	Attachment
	Root, ID     string
	ProcessFile  string    // describes the process; if "", the bundle does,
	Overrides    Overrides // and these change it
	Cgroups      []string  // --cgroup arguments
	IgnorePaused bool

	// Fence, if set, is entered before the container's status is looked at for
	// the last time, and left when the process is in the container's cgroup, or
	// has failed to get there. What happens between cannot overlap with whoever
	// holds the fence shut, who waits for it: nothing of it may depend on others.
	Fence func() (leave func(), err error)
}

// Run starts the process and returns its exit status, or 0 if detached.
func (e Exec) Run() (int, error) {
	if err := e.resolve(); err != nil {
		return -1, err
	}
	container, err := statedir.Load(e.Root, e.ID)
	if err != nil {
		return -1, err
	}
	if err := e.check(container); err != nil {
		return -1, err
	}
	process, err := e.process(container)
	if err != nil {
		return -1, err
	}
	if err := e.plan(process).Check(); err != nil {
		return -1, err
	}
	cgroups, err := subCgroups(e.Cgroups)
	if err != nil {
		return -1, err
	}
	l := &launch{
		Attachment: e.Attachment,
		container:  container,
		cgroups:    cgroups,
		enter:      func() (func(), error) { return e.enter(container) },
		start:      container.Run,
	}
	return l.run(process)
}

// enter passes the fence, behind which the container may have ended.
func (e *Exec) enter(c *libcontainer.Container) (leave func(), err error) {
	if e.Fence == nil {
		return func() {}, nil
	}
	if leave, err = e.Fence(); err != nil {
		return nil, err
	}
	if _, err = os.Lstat(filepath.Join(e.Root, e.ID)); errors.Is(err, fs.ErrNotExist) {
		err = libcontainer.ErrNotExist // it was deleted since it was loaded
	}
	if err == nil {
		err = e.check(c)
	}
	if err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// check refuses a container to which no process can be added.
func (e *Exec) check(c *libcontainer.Container) error {
	status, err := c.Status()
	switch {
	case err != nil:
		return err
	case status == libcontainer.Stopped:
		return errors.New("cannot exec in a stopped container")
	case status == libcontainer.Paused && !e.IgnorePaused:
		return errors.New("cannot exec in a paused container (use --ignore-paused to override)")
	}
	return nil
}

// process is the one of the process file, or that of the bundle with the
// command line's changes.
func (e *Exec) process(c *libcontainer.Container) (*specs.Process, error) {
	if e.ProcessFile != "" {
		return bundle.ReadProcess(e.ProcessFile)
	}
	dir, ok := utils.SearchLabels(c.Config().Labels, "bundle")
	if !ok {
		return nil, errors.New("bundle not found in labels")
	}
	spec, err := bundle.Enter(dir)
	if err != nil {
		return nil, err
	}
	if err := e.Overrides.apply(spec.Process); err != nil {
		return nil, err
	}
	return spec.Process, bundle.Check(spec.Process)
}

// subCgroups reads --cgroup arguments: either one path below the container's
// cgroup (cgroup v2), or CONTROLLER[,CONTROLLER...]:PATH, any number (v1). The
// key of the former is "".
func subCgroups(args []string) (map[string]string, error) {
	if len(args) == 0 {
		return nil, nil
	}
	paths := make(map[string]string)
	for _, arg := range args {
		controllers, path, ok := strings.Cut(arg, ":")
		if !ok {
			if len(args) > 1 {
				return nil, fmt.Errorf("invalid --cgroup argument: %s (missing <controller>: prefix)", arg)
			}
			return map[string]string{"": arg}, nil
		}
		for controller := range strings.SplitSeq(controllers, ",") {
			if controller == "" {
				return nil, fmt.Errorf("invalid --cgroup argument: %s (empty <controller> prefix)", arg)
			}
			if _, dup := paths[controller]; dup {
				return nil, fmt.Errorf("invalid --cgroup argument(s): controller %s specified multiple times", controller)
			}
			paths[controller] = path
		}
	}
	return paths, nil
}
