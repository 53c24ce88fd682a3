package synckill

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"

	"runcsync/libcontainer/drain"
)

// Container is a container that can be killed and waited for.
type Container struct {
	state    *libcontainer.State
	stateDir string
	place    place // stateDir, since before the state was read
	load     func() (*libcontainer.Container, error)
}

// New takes a container that has been loaded from stateDir, the directory of
// this one container.
func New(c *libcontainer.Container, stateDir string) (*Container, error) {
	state, err := c.State()
	if err != nil {
		return nil, fmt.Errorf("read state of container %s: %w", c.ID(), err)
	}
	return Open(stateDir, func() (*libcontainer.State, error) { return state, nil }, func() (*libcontainer.Container, error) { return c, nil })
}

// Open takes a container by what read makes of its state file; it returns read's
// error. load loads it, once that is needed: to remove it, and for what is done as
// upstream does it. On cgroup v1 libcontainer loads no container while a process
// keeps its freezer from settling, and no wait of a kill is to depend on that.
//
// If the container is deleted and another one of its name is made, that one is
// left alone.
func Open(stateDir string, read func() (*libcontainer.State, error), load func() (*libcontainer.Container, error)) (*Container, error) {
	p, lost := find(stateDir)
	state, err := read()
	if err == nil && lost != nil && !errors.Is(lost, fs.ErrNotExist) {
		err = lost
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return &Container{state: state, stateDir: stateDir, place: p, load: sync.OnceValues(load)}, nil
}

// ID is the container's ID.
func (c *Container) ID() string { return c.state.ID }

// privatePIDs tells whether the container has a PID namespace of its own. The
// kernel then ends everything in it when init ends, and lets init's end be
// seen only after the rest.
func (c *Container) privatePIDs() bool {
	return c.state.Config.Namespaces.IsPrivate(configs.NEWPID)
}

// init is the container's init process as its state file names it.
func (c *Container) init() drain.Process {
	return drain.Process{Pid: c.state.InitProcessPid, StartTime: c.state.InitProcessStartTime}
}

// members is all that belongs to the container: init, wherever it has moved
// to, its cgroups in every hierarchy, and, where it has none of its own, what
// is in its namespaces.
type members struct {
	drain.Group
	namespaces *namespaceSource
	fence      *barrier // closed until the members are
	// doubts are why the container's end can't be claimed, whatever is found.
	// They keep nobody from being killed.
	doubts []error
}

// doubt notes a reason for which no end can be claimed.
func (m *members) doubt(err error) { m.doubts = append(m.doubts, err) }

// unproven is the error of all doubts; nil if there are none.
func (m *members) unproven() error { return errors.Join(m.doubts...) }

func (m *members) close() {
	for _, t := range m.Trees {
		t.Close()
	}
	if m.namespaces != nil {
		m.namespaces.close()
	}
	m.lower()
}

// lower opens the exec fence, if it was closed for the members.
func (m *members) lower() {
	if m.fence != nil {
		m.fence.lower()
		m.fence = nil
	}
}

// members opens the container's cgroups, or what takes their place.
func (c *Container) members() (_ *members, err error) {
	m := &members{}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if p := c.init(); p.Pid > 0 {
		m.Processes = []drain.Process{p}
	}
	if err := m.openTrees(c.state.CgroupPaths); err != nil {
		// A rootless container may live without any cgroup that it can use.
		if !c.state.Config.RootlessCgroups {
			m.doubt(err)
		}
	}
	if m.namespaces, err = c.byNamespaces(m); err != nil {
		return nil, err
	}
	if m.namespaces != nil {
		m.Sources = []drain.Source{m.namespaces}
	}
	// What was opened by name is another container's, if that has taken the place.
	if err = c.place.notReplaced(); err != nil {
		return nil, err
	}
	return m, nil
}

// openTrees opens the cgroups that a state file lists: by controller for v1,
// and with an empty controller for v2, alone or beside v1's on a hybrid host.
// Controllers that are mounted together share one path. With an error those
// that could be opened are.
func (m *members) openTrees(paths map[string]string) error {
	var failed error
	seen := map[string]bool{}
	for _, controller := range slices.Sorted(maps.Keys(paths)) {
		path := paths[controller]
		if path == "" || seen[path] {
			continue
		}
		seen[path] = true
		version := drain.V1
		if controller == "" {
			version = drain.V2
		}
		t, err := drain.OpenTree(path, version)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		m.Trees = append(m.Trees, t)
	}
	return failed
}
