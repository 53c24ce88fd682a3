package launch

import (
	"errors"
	"fmt"
	"strings"
	"sync"

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

	// Fence, if set, is entered before the container is looked at and left as
	// soon as the process is in the container's cgroup, or has failed to get
	// there. What happens between cannot overlap with whoever holds the fence
	// shut.
	Fence func() (leave func(), err error)
}

// Run starts the process and returns its exit status, or 0 if detached.
func (e Exec) Run() (int, error) {
	if err := e.resolve(); err != nil {
		return -1, err
	}
	leave, err := e.enter()
	if err != nil {
		return -1, err
	}
	defer leave()
	container, err := e.load()
	if err != nil {
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
		start:      container.Run,
		entered:    leave,
	}
	return l.run(process)
}

// enter passes the fence. leave may be called more than once.
func (e *Exec) enter() (leave func(), err error) {
	if e.Fence == nil {
		return func() {}, nil
	}
	leave, err = e.Fence()
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(leave), nil
}

// load returns the container if a process can be added to it.
func (e *Exec) load() (*libcontainer.Container, error) {
	container, err := statedir.Load(e.Root, e.ID)
	if err != nil {
		return nil, err
	}
	status, err := container.Status()
	switch {
	case err != nil:
		return nil, err
	case status == libcontainer.Stopped:
		return nil, errors.New("cannot exec in a stopped container")
	case status == libcontainer.Paused && !e.IgnorePaused:
		return nil, errors.New("cannot exec in a paused container (use --ignore-paused to override)")
	}
	return container, nil
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
