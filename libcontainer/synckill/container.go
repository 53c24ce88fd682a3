package synckill

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
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
	seen       sight
	namespaces *namespaceSource
	fence      *barrier // closed until the members are
	renamed    []string // cgroups that are not where the state file has them
	unopened   []string // paths of the state file that lead into no hierarchy
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
	m := &members{seen: c.see()}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	for _, err := range m.seen.doubts {
		m.doubt(&drain.UnverifiableError{What: "container " + c.ID(), Err: err})
	}
	if m.seen.earlier {
		return m, nil // of which nothing can be left, and whose paths may be others' by now
	}
	m.Processes = m.seen.processes()
	if err := m.openTrees(c.state.CgroupPaths); err != nil {
		// A rootless container may live without any cgroup that it can use.
		if !c.state.Config.RootlessCgroups {
			m.doubt(err)
		}
	}
	recorded := m.openRecorded(c.stateDir)
	c.openNamespaces(m, recorded)
	// What was opened by name is another container's, if that has taken the place.
	if err = c.place.notReplaced(); err != nil {
		return nil, err
	}
	return m, nil
}

// openNamespaces finds what is in the container's namespaces, where it has no
// cgroup of its own.
func (c *Container) openNamespaces(m *members, recorded bool) {
	var err error
	if m.namespaces, err = c.byNamespaces(m, recorded); err != nil {
		m.doubt(&drain.UnverifiableError{What: "container " + c.ID(), Err: err})
	}
	if m.namespaces != nil {
		m.Sources = append(m.Sources, m.namespaces)
	}
}

// trees goes over the cgroups that a state file lists: by controller for v1, and
// with an empty controller for v2, alone or beside v1's on a hybrid host.
// Controllers that are mounted together share one path.
func trees(paths map[string]string) iter.Seq2[string, drain.Version] {
	return func(yield func(string, drain.Version) bool) {
		seen := map[string]bool{"": true}
		for _, controller := range slices.Sorted(maps.Keys(paths)) {
			path, version := paths[controller], drain.V1
			if controller == "" {
				version = drain.V2
			}
			if !seen[path] && !yield(path, version) {
				return
			}
			seen[path] = true
		}
	}
}

// openTrees opens the cgroups that a state file lists. With an error those that
// could be opened are.
func (m *members) openTrees(paths map[string]string) error {
	var failed error
	for path, version := range trees(paths) {
		t, err := drain.OpenTree(path, version)
		if err != nil {
			failed = errors.Join(failed, err)
			m.unopened = append(m.unopened, path)
			continue
		}
		m.Trees = append(m.Trees, t)
	}
	return failed
}
