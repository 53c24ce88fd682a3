package statedir

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/manager"
)

// Remains are the parts of a damaged state file by which the container's
// processes can still be found. Each is either what the file was written with,
// or missing.
type Remains struct {
	// InitPid is the init process, 0 if lost. It is never given without
	// InitStartTime (field 22 of /proc/PID/stat): alone it may name somebody
	// else's process by now.
	InitPid       int
	InitStartTime uint64

	// CgroupPaths maps a v1 controller, or "" for the unified hierarchy, to
	// the container's directory there. Of a cut-off file it holds the first few.
	CgroupPaths map[string]string

	// Cgroup is the place that the container was configured to have, fit for a
	// cgroup manager; nil if it can't be told for certain. Of the resources
	// nothing is kept.
	Cgroup *cgroups.Cgroup
}

// Damage reads what is left in the state file of the container id. An error
// means that the file can't be read at all. Of what is no regular file nothing is
// left.
func Damage(root, id string) (Remains, error) {
	data, err := file(root, id)
	if _, damaged := errors.AsType[*DamagedStateError](err); damaged {
		return Salvage(nil), nil
	}
	if err != nil {
		return Remains{}, err
	}
	return Salvage(data), nil
}

// Salvage reads the beginning of a state file, up to where it makes no sense
// any more.
func Salvage(data []byte) Remains {
	s := salvager{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	s.dec.UseNumber()
	_ = s.state() // where it stops, the rest is lost
	if s.pid <= 0 || s.pid > maxPid || s.start <= 0 {
		s.pid, s.start = 0, 0
	}
	return Remains{
		InitPid:       int(s.pid),
		InitStartTime: uint64(s.start),
		CgroupPaths:   s.paths,
		Cgroup:        s.placed(),
	}
}

// salvager walks a state file token by token and keeps each value it is after
// as soon as that is complete.
type salvager struct {
	data []byte
	dec  *json.Decoder

	pid, start int64
	paths      map[string]string
	cgroup     cgroups.Cgroup
	whole      bool // the object config.cgroups was read to its end
}

// placed is the cgroup that was read, if it is certain. A path is enough: only
// the cgroupfs driver has one. Without it the whole object must have been seen,
// since "Systemd" comes last.
func (s *salvager) placed() *cgroups.Cgroup {
	c := s.cgroup
	if c.Path == "" && (!s.whole || c.Name == "") {
		return nil
	}
	c.Resources = &cgroups.Resources{}
	return &c
}

// errLost ends the walk: the rest of the file can't be understood.
var errLost = errors.New("unreadable from here on")

func (s *salvager) state() error {
	return s.object(func(key string) error {
		switch key {
		case "init_process_pid":
			return s.number(&s.pid)
		case "init_process_start":
			return s.number(&s.start)
		case "config":
			return s.object(s.config)
		case "cgroup_paths":
			s.paths = map[string]string{}
			return s.object(s.cgroupPath)
		}
		return s.skip()
	})
}

func (s *salvager) config(key string) error {
	if key != "cgroups" {
		return s.skip()
	}
	err := s.object(s.place)
	s.whole = err == nil
	return err
}

func (s *salvager) place(key string) error {
	switch key {
	case "name":
		return s.value(&s.cgroup.Name)
	case "parent":
		return s.value(&s.cgroup.Parent)
	case "path":
		return s.value(&s.cgroup.Path)
	case "scope_prefix":
		return s.value(&s.cgroup.ScopePrefix)
	case "Systemd":
		return s.value(&s.cgroup.Systemd)
	case "Rootless":
		return s.value(&s.cgroup.Rootless)
	}
	return s.skip()
}

func (s *salvager) cgroupPath(controller string) error {
	var path string
	if err := s.value(&path); err != nil {
		return err
	}
	s.paths[controller] = path
	return nil
}

// object visits the members of the object that comes next. A visit reads the
// member's value.
func (s *salvager) object(visit func(key string) error) error {
	if t, err := s.dec.Token(); err != nil || t != json.Delim('{') {
		return errLost
	}
	for s.dec.More() {
		t, err := s.dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return errLost
		}
		if err := visit(key); err != nil {
			return err
		}
	}
	_, err := s.dec.Token() // the closing brace, or the end of the file
	return err
}

// value decodes the string or boolean that comes next, which end in a
// character of their own.
func (s *salvager) value(into any) error {
	return s.dec.Decode(into)
}

// number decodes the integer that comes next. Nothing in a number tells that it
// is complete, and the decoder is content with the digits it gets, so a
// character that can follow it must be there.
func (s *salvager) number(into *int64) error {
	var n int64
	if err := s.dec.Decode(&n); err != nil {
		return err
	}
	if rest := s.data[s.dec.InputOffset():]; len(rest) == 0 || !bytes.ContainsRune([]byte(",} \t\r\n"), rune(rest[0])) {
		return errLost
	}
	*into = n
	return nil
}

func (s *salvager) skip() error {
	var unread json.RawMessage
	return s.dec.Decode(&unread)
}

// Paths are the container's cgroups, as far as they are known: those that the
// file lists, or, if it was cut off before their end, those that a container
// configured like this one has on this host.
func (r Remains) Paths() (paths map[string]string, complete bool) {
	if r.Cgroup == nil {
		return r.CgroupPaths, false
	}
	m, err := manager.New(r.Cgroup)
	if err != nil {
		return r.CgroupPaths, false
	}
	paths = m.GetPaths()
	maps.Copy(paths, r.CgroupPaths)
	return paths, true
}
