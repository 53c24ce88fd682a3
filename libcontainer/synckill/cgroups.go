package synckill

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

// A cgroup of v1 can be renamed, by rename(2) within the cgroup that it is in.
// The path of the state file then leads nowhere, or to another cgroup, and who
// is in the container's is not seen. So the cgroups are noted by what the kernel
// never reuses, their file handles, once the container's process is in them.

// cgroupRecord names a cgroup for good.
type cgroupRecord struct {
	Path string `json:"path"` // when it was noted
	V2   bool   `json:"v2,omitempty"`
	// Dev is the hierarchy's. Handles are of one hierarchy: in another one the
	// same handle is another cgroup's.
	Dev uint64 `json:"dev"`
	// Type and Handle are name_to_handle_at(2)'s.
	Type   int32  `json:"type"`
	Handle []byte `json:"handle"`
}

const cgroupsFile = "cgroups.json"

// recordCgroups notes those of the cgroups that exist and are of the versions
// named, where the kernel has handles for them (v1: since 4.14).
func recordCgroups(paths map[string]string, stateDir string, versions ...drain.Version) error {
	var records []cgroupRecord
	for path, version := range trees(paths) {
		if !slices.Contains(versions, version) {
			continue
		}
		if r, err := recordOf(path); err == nil {
			r.V2 = version == drain.V2
			records = append(records, r)
		}
	}
	if len(records) == 0 {
		return nil
	}
	return writeRecord(stateDir, cgroupsFile, records)
}

// recordOf names the cgroup that path leads to.
func recordOf(path string) (cgroupRecord, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return cgroupRecord{}, err
	}
	defer unix.Close(fd)
	r, err := recordOfDir(fd)
	r.Path = path
	return r, err
}

// device is a device number: Go has the field in 32 bits on mips64, in 64 elsewhere.
func device[T uint32 | uint64](number T) uint64 { return uint64(number) }

// recordOfDir names the cgroup that a descriptor is of, but for its path.
func recordOfDir(fd int) (cgroupRecord, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return cgroupRecord{}, err
	}
	h, _, err := unix.NameToHandleAt(fd, "", unix.AT_EMPTY_PATH)
	if err != nil {
		return cgroupRecord{}, err
	}
	return cgroupRecord{Dev: device(st.Dev), Type: h.Type(), Handle: h.Bytes()}, nil
}

// recordedCgroups reads what recordCgroups noted; none if it noted nothing.
func recordedCgroups(stateDir string) ([]cgroupRecord, error) {
	path := filepath.Join(stateDir, cgroupsFile)
	data, err := readRecord(stateDir, cgroupsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var records []cgroupRecord
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range records {
		if !filepath.IsAbs(r.Path) || r.Dev == 0 || len(r.Handle) == 0 {
			return nil, fmt.Errorf("%s: a cgroup without a path, a device or a handle", path)
		}
	}
	return records, nil
}

// openRecorded opens the cgroups that were noted and have got another name. It tells
// whether any were noted.
func (m *members) openRecorded(stateDir string) bool {
	records, err := recordedCgroups(stateDir)
	if err != nil {
		m.doubt(err)
	}
	m.openRenamed(records)
	return len(records) > 0
}

// openRenamed opens the container's cgroups that have got another name.
func (m *members) openRenamed(records []cgroupRecord) {
	for _, r := range records {
		if slices.Contains(m.unopened, r.Path) || m.holds(r) {
			continue
		}
		path, err := r.find()
		if err != nil {
			m.doubt(&drain.UnverifiableError{What: r.Path, Err: err})
			continue
		}
		if path == "" || path == r.Path {
			continue
		}
		version := drain.V1
		if r.V2 {
			version = drain.V2
		}
		t, err := drain.OpenTree(path, version)
		if err != nil {
			m.doubt(err)
			continue
		}
		m.Trees = append(m.Trees, t)
		m.renamed = append(m.renamed, path)
	}
}

// holds tells whether the cgroup has been opened by the name that it had when it was
// noted, as it is where nobody renames any.
func (m *members) holds(r cgroupRecord) bool {
	return slices.ContainsFunc(m.Trees, func(t *drain.Tree) bool { return t.Path == r.Path && r.same(recordOfDir(t.Dir())) })
}

// removeRenamed removes the cgroups that the state file does not have the paths
// of, once they are empty.
func (m *members) removeRenamed() error {
	for _, path := range m.renamed {
		if err := cgroups.RemovePath(path); err != nil {
			return fmt.Errorf("remove cgroup: %w", err)
		}
	}
	return nil
}

// find returns the path that the cgroup has now; "" if it has been removed.
func (r cgroupRecord) find() (string, error) {
	if r.at(r.Path) {
		return r.Path, nil
	}
	above, err := nearest(filepath.Dir(r.Path))
	if err != nil {
		return "", err
	}
	defer above.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(above.Fd()), &st); err != nil {
		return "", err
	}
	if device(st.Dev) != r.Dev {
		return "", errors.New("what is mounted there is not the hierarchy that it was made in")
	}
	fd, err := unix.OpenByHandleAt(int(above.Fd()), unix.NewFileHandle(r.Type, r.Handle), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC)
	switch {
	case errors.Is(err, unix.ESTALE):
		return "", nil
	case errors.Is(err, fs.ErrPermission): // it takes CAP_DAC_READ_SEARCH of the initial user namespace
		return r.among(above)
	case err != nil:
		return "", fmt.Errorf("look for it under another name: %w", err)
	}
	defer unix.Close(fd)
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err == nil && !r.at(path) {
		err = errors.New("it has another name now, which can't be reached from here")
	}
	return path, err
}

// at tells whether path is the cgroup's.
func (r cgroupRecord) at(path string) bool { return r.same(recordOf(path)) }

// same tells whether a cgroup that could be named, whatever its path, is r's.
func (r cgroupRecord) same(its cgroupRecord, err error) bool {
	return err == nil && its.Dev == r.Dev && its.Type == r.Type && slices.Equal(its.Handle, r.Handle)
}

// among looks for the cgroup in the one that it was made in. A cgroup can't be
// renamed into another one.
func (r cgroupRecord) among(above *os.File) (string, error) {
	if above.Name() != filepath.Dir(r.Path) {
		return "", errors.New("the cgroup that it was in is gone, or has another name")
	}
	names, err := above.Readdirnames(-1)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if path := filepath.Join(above.Name(), name); r.at(path) {
			return path, nil
		}
	}
	return "", nil
}

// nearest opens the nearest directory at or above path, which has to be a
// cgroup.
func nearest(path string) (*os.File, error) {
	for {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) && path != "/" {
			path = filepath.Dir(path)
			continue
		}
		if err != nil {
			return nil, err
		}
		var st unix.Statfs_t
		err = unix.Fstatfs(int(f.Fd()), &st)
		if err == nil && st.Type != unix.CGROUP_SUPER_MAGIC && st.Type != unix.CGROUP2_SUPER_MAGIC {
			err = fmt.Errorf("%s is no cgroup", path)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
}
