package synckill

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runc/libcontainer/system"
	"golang.org/x/sys/unix"

	"runcsync/libcontainer/drain"
)

const fifoFile = "exec.fifo"

// initSource is a [drain.Source] of the "runc init" processes of a container
// that is being made. libcontainer passes each of them the container's exec.fifo,
// as a path descriptor (O_PATH), before it is in a cgroup. Others that have the
// fifo open are none of the container's: its creator, and a start, which reads it.
type initSource struct {
	origin
	place    place  // the state directory, whatever has its name by now
	dev, ino uint64 // of the fifo
}

// newInitSource looks at the fifo. The error is [fs.ErrNotExist] if there is
// none (yet, or any more). The place is to outlive the source.
func newInitSource(o origin, p place) (*initSource, error) {
	fifo, err := p.lstat(fifoFile)
	if err != nil {
		return nil, err
	}
	return &initSource{origin: o, place: p, dev: device(fifo.Dev), ino: fifo.Ino}, nil
}

// standing tells whether the fifo is still there. Once it is removed, which is
// done when nobody is left who was passed it, its inode's number is soon that of
// another container's. It can't be kept open here: to others, that would be as
// good as to have been passed it.
func (s *initSource) standing() (bool, error) {
	fifo, err := s.place.lstat(fifoFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return device(fifo.Dev) == s.dev && fifo.Ino == s.ino, err
}

func (s *initSource) String() string {
	return "the processes that were passed " + filepath.Join(s.place.path, fifoFile)
}

// Pids goes over /proc until two scans in a row have missed nobody, as
// [namespaceSource.Pids] does: one that ends between being listed and being looked
// at may have left a child that is not in the list.
func (s *initSource) Pids(stop func() error) ([]int, error) {
	return goOver(s.relation, stop, func(f map[relation][]int) ([]int, error) {
		return slices.Concat(f[member], f[hidden]), nil
	})
}

// Has tells whether a process is one of the container's for certain.
func (s *initSource) Has(pid int) bool {
	r, err := s.relation(pid)
	return err == nil && r == member
}

func (s *initSource) relation(pid int) (relation, error) {
	r, err := s.holds(processDir(pid))
	if err == nil && r == member {
		// Who was seen to have it had this one only if it is there even now.
		there, err := s.standing()
		if err != nil || !there {
			return stranger, err
		}
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return s.guess(pid)
	case gone(err):
		return ended, nil
	case err != nil || r != member || pid != s.Creator:
		return r, err
	}
	st, err := system.Stat(pid)
	if err == nil && s.CreatorTime != 0 && st.StartTime != s.CreatorTime {
		return member, nil // it has the creator's ID
	}
	return stranger, nil
}

// holds looks through the descriptors of the process that has the directory dir.
func (s *initSource) holds(dir string) (relation, error) {
	fds, err := numbered(dir + "/fd")
	if err != nil {
		return stranger, err
	}
	if len(fds) == 0 { // a zombie, or a kernel thread
		if alive, err := runs(dir); err != nil || !alive {
			return ended, err
		}
	}
	for _, fd := range fds {
		number := strconv.Itoa(fd)
		// The name alone proves nothing. But to look at the file itself may take
		// for ever, where a file system does not answer.
		if name, err := os.Readlink(dir + "/fd/" + number); err != nil || !strings.Contains(name, fifoFile) {
			if err != nil && !gone(err) {
				return stranger, err
			}
			continue
		}
		var st unix.Stat_t
		if err := unix.Stat(dir+"/fd/"+number, &st); err != nil {
			if gone(err) {
				continue // closed since
			}
			return stranger, &fs.PathError{Op: "stat", Path: dir + "/fd/" + number, Err: err}
		}
		if device(st.Dev) != s.dev || st.Ino != s.ino || st.Mode&unix.S_IFMT != unix.S_IFIFO {
			continue
		}
		text, err := os.ReadFile(dir + "/fdinfo/" + number)
		if gone(err) {
			continue
		}
		if err != nil {
			return stranger, err
		}
		if flags, ok := openFlags(string(text)); !ok || flags&unix.O_PATH != 0 || flags&unix.O_ACCMODE == unix.O_WRONLY {
			return member, nil
		}
	}
	return stranger, nil
}

// openFlags finds the flags, in octal, in the text of a file of /proc/PID/fdinfo.
func openFlags(text string) (uint64, bool) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(value), 8, 64)
			return flags, err == nil
		}
	}
	return 0, false
}

// guess is the relation of a process whose descriptors the caller may not see.
// "runc init" hides them from all but root for most of its life; by its name and
// its user it may be this container's.
func (s *initSource) guess(pid int) (relation, error) {
	dir := processDir(pid)
	comm, err := os.ReadFile(dir + "/comm")
	if err == nil && !bytes.HasPrefix(comm, []byte("runc:[")) {
		return stranger, nil
	}
	var status []byte
	if err == nil {
		status, err = os.ReadFile(dir + "/status")
	}
	switch {
	case gone(err):
		return ended, nil
	case err != nil:
		return stranger, err
	}
	for line := range strings.Lines(string(status)) {
		switch f := strings.Fields(line); {
		case len(f) > 1 && f[0] == "State:" && (f[1] == "Z" || f[1] == "X"):
			return ended, nil
		case len(f) > 1 && f[0] == "Uid:" && slices.Contains([]string{strconv.Itoa(os.Geteuid()), strconv.Itoa(s.RootUID)}, f[1]):
			return hidden, nil
		}
	}
	return stranger, nil
}

// namespaces finds the rest of a container that has neither a cgroup nor a PID
// namespace of its own, by the namespaces of its init; nil if its cgroups do.
func (s *initSource) namespaces(m *members, now vantage) (*namespaceSource, error) {
	pids, err := s.Pids(always)
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		if m.hold(pid) {
			return nil, nil
		}
		id, p, err := pinNamespaces(processDir(pid))
		if err != nil {
			continue
		}
		// Before it has made its own it is in its creator's, as many others are.
		if !s.Has(pid) || id.Mount == now.Mount || id.Mount == s.Vantage.Mount {
			p.close()
			continue
		}
		return &namespaceSource{identity: id, pin: p}, nil
	}
	if slices.ContainsFunc(m.Trees, (*drain.Tree).Exists) {
		return nil, nil
	}
	return nil, errors.New("it has no cgroup and no PID namespace of its own, and its init is gone: what that has started can't be told from others")
}

// neverStarted finds all that there can be of a container whose create was killed
// after libcontainer had written the state, and before it was noted by what the
// container's processes can be told: its init. It is nil if it was, or may have
// been, started, or if a hook may have left something behind.
func (c *Container) neverStarted() *initSource {
	o, err := readOrigin(c.stateDir)
	if err != nil || o.Hooks {
		return nil
	}
	s, err := newInitSource(o, c.place)
	if err != nil { // start has removed the fifo
		return nil
	}
	return s
}
