package synckill

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/system"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

const originFile = "origin.json"

// origin is what is noted of a container before anything of it is started. Until
// libcontainer has written its state, which it does when most of the container
// stands, this is all by which its processes can be found.
type origin struct {
	Vantage vantage `json:"vantage"` // of the creator
	// CgroupPaths are where the container's cgroups will be, as in
	// [libcontainer.State]. Rootless they may never come to be.
	CgroupPaths map[string]string `json:"cgroup_paths"`
	// Cgroup is what a cgroup manager needs to remove them.
	Cgroup cgroups.Cgroup `json:"cgroup"`
	// PrivatePIDs says that a PID namespace is made for the container.
	PrivatePIDs bool `json:"private_pids"`
	// Hooks says that init starts others before it is the container's program.
	Hooks bool `json:"hooks"`
	// RootUID is the user on the host that the container's root is.
	RootUID int `json:"root_uid"`
	// Creator is the runc that makes the container. It holds exec.fifo as the
	// processes that it starts do, and is none of the container's.
	Creator     int    `json:"creator"`
	CreatorTime uint64 `json:"creator_start"` // field 22 of /proc/PID/stat
}

// record writes the origin into the state directory, atomically, if there is
// none yet. The error is [fs.ErrExist] if there is.
func record(c *libcontainer.Container, stateDir string) error {
	o, err := newOrigin(c)
	if err == nil {
		var data []byte
		if data, err = json.Marshal(o); err == nil {
			err = writeOnce(stateDir, originFile, data)
		}
	}
	if err != nil {
		return fmt.Errorf("note the origin of container %s: %w", c.ID(), err)
	}
	return nil
}

func newOrigin(c *libcontainer.Container) (origin, error) {
	state, err := c.State()
	if err != nil {
		return origin{}, err
	}
	config := state.Config
	o := origin{
		CgroupPaths: maps.Clone(state.CgroupPaths),
		Cgroup:      *config.Cgroups,
		PrivatePIDs: config.Namespaces.IsPrivate(configs.NEWPID),
		Hooks:       config.HasHook(configs.CreateContainer),
		Creator:     os.Getpid(),
	}
	o.Cgroup.Resources = nil // those are many, and removing takes none
	o.Cgroup.Rootless = config.RootlessCgroups
	if o.RootUID, err = config.HostRootUID(); err != nil {
		return origin{}, err
	}
	// Where that can't be read the creator is known by its ID alone.
	if st, err := system.Stat(o.Creator); err == nil {
		o.CreatorTime = st.StartTime
	}
	o.Vantage, err = observe(o.CgroupPaths)
	return o, err
}

// writeOnce makes a file in dir, complete or not at all, that must not be there.
func writeOnce(dir, name string, data []byte) error {
	tmp, err := os.CreateTemp(dir, name+"-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	err = unix.Renameat2(unix.AT_FDCWD, tmp.Name(), unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // not every file system has it
		err = os.Link(tmp.Name(), path)
	}
	if err != nil {
		return &fs.PathError{Op: "make", Path: path, Err: err}
	}
	return nil
}

// readOrigin reads the origin back. The error is [fs.ErrNotExist] if none was
// written.
func readOrigin(stateDir string) (origin, error) { return readNoted(stateDir, parseOrigin) }

// readVantage reads back no more than where the container was made, which each
// kill needs. Its errors are readOrigin's.
func readVantage(stateDir string) (vantage, error) { return readNoted(stateDir, parseVantage) }

// readNoted reads back what parse makes of the origin.
func readNoted[T any](stateDir string, parse func([]byte) (T, error)) (noted T, err error) {
	data, err := readRecord(stateDir, originFile)
	if err != nil {
		return noted, err
	}
	if noted, err = parse(data); err != nil {
		var none T
		return none, fmt.Errorf("%s is damaged: %w", filepath.Join(stateDir, originFile), err)
	}
	return noted, nil
}

func parseVantage(data []byte) (vantage, error) {
	var o struct {
		Vantage vantage `json:"vantage"`
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return vantage{}, err
	}
	return o.Vantage, o.Vantage.check()
}

// parseOrigin refuses what record can't have written.
func parseOrigin(data []byte) (o origin, err error) {
	if err := json.Unmarshal(data, &o); err != nil {
		return o, err
	}
	if err := o.Vantage.check(); err != nil {
		return o, err
	}
	switch {
	case o.Creator <= 0:
		return o, errors.New("it names no creator")
	case len(o.CgroupPaths) == 0 && !o.Cgroup.Rootless:
		return o, errors.New("it names no cgroups")
	}
	for _, path := range o.CgroupPaths {
		if path != "" && (!filepath.IsAbs(path) || filepath.Clean(path) != path) {
			return o, fmt.Errorf("it names the cgroup %q", path)
		}
	}
	return o, nil
}

// members opens what the origin tells of the container. known are the namespaces
// of its init, if that was seen before.
func (o origin) members(p place, known *namespaceSource) *members {
	m := &members{}
	now, err := observe(o.CgroupPaths)
	if err != nil {
		m.doubt(err)
		now = vantage{StrangeProc: true}
	}
	if err == nil && o.Vantage.earlierBoot(now) {
		return m // whatever was started then is gone
	}
	for _, err := range o.Vantage.judge(now) {
		m.doubt(err)
	}
	if err := o.Vantage.users(now); err != nil {
		m.doubt(err)
	}
	if err := m.openTrees(o.CgroupPaths); err != nil && !o.Cgroup.Rootless {
		m.doubt(err)
	}
	o.CreatorTime = o.Vantage.translate(now, drain.Process{Pid: o.Creator, StartTime: o.CreatorTime}).StartTime
	s, err := newInitSource(o, p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m // nothing was started yet, or all is being removed
	case err != nil:
		m.doubt(err)
		return m
	case o.Vantage.pids(now) != nil:
		return m // a doubt already
	}
	m.Sources = []drain.Source{s}
	if known == nil && o.Cgroup.Rootless && !o.PrivatePIDs && o.Hooks {
		if known, err = s.namespaces(m, now); err != nil {
			m.doubt(err)
		}
	}
	if known != nil {
		m.namespaces = known
		m.Sources = append(m.Sources, known)
	}
	return m
}
